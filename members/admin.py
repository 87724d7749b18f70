"""Gathers the rooms' desks, so that Django finds them."""

import members.consents.admin
import members.contact.admin
import members.messaging.admin
import members.preferences.admin
import members.privacy.admin
import members.profiles.admin
import members.purchases.admin
import members.stores.admin  # noqa: F401
