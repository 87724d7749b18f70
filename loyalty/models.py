"""Gathers the rooms' nouns, so that Django finds them."""

from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from loyalty.earning.models import Award, EarningRule, RuleVersion
from loyalty.holds.models import Hold
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Lot, LotUse, Movement, PointKind, Programme
from loyalty.liability.models import LiabilityCell, LiabilityDay, LiabilityLapse
from loyalty.tiers.models import Ladder, Standing, Tier, TierChange
from loyalty.watch.models import Watch

__all__ = [
    "Account",
    "Award",
    "BadRow",
    "Correction",
    "CorrectionLimit",
    "CorrectionReason",
    "Difference",
    "EarningRule",
    "Hold",
    "Ladder",
    "LiabilityCell",
    "LiabilityDay",
    "LiabilityLapse",
    "Lot",
    "LotUse",
    "Movement",
    "PointKind",
    "Programme",
    "RuleVersion",
    "SaleImport",
    "Standing",
    "Tier",
    "TierChange",
    "Watch",
]
