"""Gathers the rooms' nouns, so that Django finds them."""

from loyalty.backtest.models import Backtest, Swing
from loyalty.benefits.models import Benefit
from loyalty.checkout.models import Checkout, PaidBack
from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from loyalty.drafting.models import RuleDraft
from loyalty.earning.models import Award, Event, Judgement
from loyalty.holds.models import Hold
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Lot, LotUse, Movement, PointKind, Programme
from loyalty.liability.models import LiabilityCell, LiabilityDay, LiabilityLapse
from loyalty.limits.models import Budget, Pool, Shard
from loyalty.programme.models import ProgrammeFile
from loyalty.promotions.models import Applied, PayTerms, Promotion, PromotionDraft, PromotionVersion, Undone
from loyalty.returns.models import TakenBack
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Grant, Ladder, Need, Standing, Tier, TierChange
from loyalty.watch.models import Watch
from loyalty.whatif.models import DraftBenefit, DraftTier, LadderDraft, Move, WhatIf

__all__ = [
    "Account",
    "Applied",
    "Award",
    "Backtest",
    "BadRow",
    "Benefit",
    "Budget",
    "Checkout",
    "Correction",
    "CorrectionLimit",
    "CorrectionReason",
    "Difference",
    "DraftBenefit",
    "DraftTier",
    "EarningRule",
    "Event",
    "Grant",
    "Hold",
    "Judgement",
    "Ladder",
    "LadderDraft",
    "LiabilityCell",
    "LiabilityDay",
    "LiabilityLapse",
    "Lot",
    "LotUse",
    "Move",
    "Movement",
    "Need",
    "PaidBack",
    "PayTerms",
    "PointKind",
    "Pool",
    "Programme",
    "ProgrammeFile",
    "Promotion",
    "PromotionDraft",
    "PromotionVersion",
    "RuleDraft",
    "RuleVersion",
    "SaleImport",
    "Shard",
    "Standing",
    "Swing",
    "TakenBack",
    "Tier",
    "TierChange",
    "Undone",
    "Watch",
    "WhatIf",
]
