"""Gathers the rooms' desks, so that Django finds them."""

import members.goals.admin
import members.insight.admin
import members.messaging.admin
import members.profiles.admin
import members.purchases.admin
import members.stores.admin  # noqa: F401
