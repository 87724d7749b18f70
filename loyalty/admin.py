"""Gathers the rooms' desks, so that Django finds them."""

import loyalty.corrections.admin
import loyalty.earning.admin
import loyalty.holds.admin
import loyalty.imports.admin
import loyalty.ledger.admin
import loyalty.liability.admin
import loyalty.tiers.admin
import loyalty.watch.admin  # noqa: F401
