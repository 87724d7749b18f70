"""Gathers the rooms' nouns, so that Django finds them."""

from loyalty.backtest.models import Backtest, Swing
from loyalty.benefits.models import Benefit
from loyalty.checkout.models import Checkout, PaidBack
from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from loyalty.drafting.models import RuleDraft
from loyalty.duplicates.models import Likeness, Mark
from loyalty.earning.models import Award, Event, Judgement
from loyalty.gifts.models import Gift, GiftRule
from loyalty.holds.models import BudgetHold, HeldPart, Hold
from loyalty.households.models import Draw, Household, HouseholdRule, Invitation, Seat
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Inherited, Lot, LotUse, Movement, PointKind, Programme
from loyalty.liability.models import LiabilityCell, LiabilityDay, LiabilityLapse
from loyalty.limits.models import Budget, Pool, Shard
from loyalty.merging.models import Merge
from loyalty.programme.models import ProgrammeFile
from loyalty.promotions.models import Applied, PayTerms, Promotion, PromotionDraft, PromotionVersion, Undone
from loyalty.returns.models import TakenBack
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Grant, Ladder, Need, Standing, Tier, TierChange
from loyalty.treats.models import Treat
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
    "BudgetHold",
    "Checkout",
    "Correction",
    "CorrectionLimit",
    "CorrectionReason",
    "Difference",
    "DraftBenefit",
    "DraftTier",
    "Draw",
    "EarningRule",
    "Event",
    "Gift",
    "GiftRule",
    "Grant",
    "HeldPart",
    "Hold",
    "Household",
    "HouseholdRule",
    "Inherited",
    "Invitation",
    "Judgement",
    "Ladder",
    "LadderDraft",
    "LiabilityCell",
    "LiabilityDay",
    "LiabilityLapse",
    "Likeness",
    "Lot",
    "LotUse",
    "Mark",
    "Merge",
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
    "Seat",
    "Shard",
    "Standing",
    "Swing",
    "TakenBack",
    "Tier",
    "TierChange",
    "Treat",
    "Undone",
    "Watch",
    "WhatIf",
]
