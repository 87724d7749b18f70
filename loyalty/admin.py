"""Gathers the rooms' desks, so that Django finds them."""

import loyalty.drafting.admin
import loyalty.holds.admin
import loyalty.imports.admin
import loyalty.ledger.admin
import loyalty.reasons.admin
import loyalty.returns.admin
import loyalty.rulebook.admin
import loyalty.tiers.admin  # noqa: F401
