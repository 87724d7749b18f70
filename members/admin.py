"""Gathers the rooms' desks, so that Django finds them."""

import members.counter.admin
import members.goals.admin
import members.insight.admin
import members.messaging.admin
import members.notes.admin
import members.profiles.admin
import members.purchases.admin
import members.segments.admin
import members.stores.admin
import members.timeline.admin
import members.webhooks.admin  # noqa: F401
