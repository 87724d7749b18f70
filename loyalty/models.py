"""Gathers the rooms' nouns, so that Django finds them."""

from loyalty.benefits.models import Benefit
from loyalty.earning.models import Award, EarningRule, RuleVersion
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Lot, LotUse, Movement, PointKind, Programme
from loyalty.tiers.models import Grant, Ladder, Need, Standing, Tier, TierChange
from loyalty.whatif.models import DraftBenefit, DraftTier, LadderDraft, Move, WhatIf

__all__ = [
    "Account",
    "Award",
    "BadRow",
    "Benefit",
    "Difference",
    "DraftBenefit",
    "DraftTier",
    "EarningRule",
    "Grant",
    "Ladder",
    "LadderDraft",
    "Lot",
    "LotUse",
    "Move",
    "Movement",
    "Need",
    "PointKind",
    "Programme",
    "RuleVersion",
    "SaleImport",
    "Standing",
    "Tier",
    "TierChange",
    "WhatIf",
]
