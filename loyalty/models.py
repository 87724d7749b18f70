"""Gathers the rooms' nouns, so that Django finds them."""

from loyalty.benefits.models import Benefit
from loyalty.earning.models import Award, Event, Judgement
from loyalty.holds.models import Hold
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Lot, LotUse, Movement, PointKind, Programme
from loyalty.limits.models import Budget, Pool, Shard
from loyalty.returns.models import TakenBack
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Grant, Ladder, Need, Standing, Tier, TierChange

__all__ = [
    "Account",
    "Award",
    "BadRow",
    "Benefit",
    "Budget",
    "Difference",
    "EarningRule",
    "Event",
    "Grant",
    "Hold",
    "Judgement",
    "Ladder",
    "Lot",
    "LotUse",
    "Movement",
    "Need",
    "PointKind",
    "Pool",
    "Programme",
    "RuleVersion",
    "SaleImport",
    "Shard",
    "Standing",
    "TakenBack",
    "Tier",
    "TierChange",
]
