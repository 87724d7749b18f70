"""Gathers the rooms' desks, so that Django finds them."""

import loyalty.backtest.admin
import loyalty.benefits.admin
import loyalty.corrections.admin
import loyalty.drafting.admin
import loyalty.duplicates.admin
import loyalty.gifts.admin
import loyalty.grants.admin
import loyalty.holds.admin
import loyalty.imports.admin
import loyalty.ledger.admin
import loyalty.liability.admin
import loyalty.merging.admin
import loyalty.pooling.admin
import loyalty.programme.admin
import loyalty.promotions.admin
import loyalty.reasons.admin
import loyalty.returns.admin
import loyalty.rulebook.admin
import loyalty.tiers.admin
import loyalty.treats.admin
import loyalty.watch.admin
import loyalty.whatif.admin  # noqa: F401
