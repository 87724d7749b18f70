"""Gathers the rooms' nouns, so that Django finds them."""

from loyalty.earning.models import Award, Event, Judgement
from loyalty.holds.models import Hold
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Lot, LotUse, Movement, PointKind, Programme
from loyalty.limits.models import Budget, Pool, Shard
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Ladder, Standing, Tier, TierChange

__all__ = [
    "Account",
    "Award",
    "BadRow",
    "Budget",
    "Difference",
    "EarningRule",
    "Event",
    "Hold",
    "Judgement",
    "Ladder",
    "Lot",
    "LotUse",
    "Movement",
    "PointKind",
    "Pool",
    "Programme",
    "RuleVersion",
    "SaleImport",
    "Shard",
    "Standing",
    "Tier",
    "TierChange",
]
