"""Gathers the rooms' desks, so that Django finds them."""

import members.addresses.admin
import members.advisers.admin
import members.completeness.admin
import members.consents.admin
import members.contact.admin
import members.counter.admin
import members.extracts.admin
import members.goals.admin
import members.insight.admin
import members.messaging.admin
import members.notes.admin
import members.origins.admin
import members.people.admin
import members.photos.admin
import members.preferences.admin
import members.privacy.admin
import members.profiles.admin
import members.purchases.admin
import members.roster.admin
import members.segments.admin
import members.stores.admin
import members.tags.admin
import members.timeline.admin
import members.webhooks.admin  # noqa: F401
