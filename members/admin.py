"""Gathers the rooms' desks, so that Django finds them."""

import members.messaging.admin
import members.profiles.admin
import members.purchases.admin
import members.segments.admin
import members.stores.admin  # noqa: F401
