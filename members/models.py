"""Gathers the rooms' nouns, so that Django finds them."""

from members.goals.models import Goal
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.messaging.models import Message, Template
from members.portraits.models import Pair
from members.profiles.models import CustomField, Identity, Member
from members.purchases.models import Product, Return, ReturnLine, Sale, SaleLine
from members.scores.models import CellMonth, MemberScore, RfmScheme, ScoreNight, StoreDay, Tally
from members.stores.models import Store, StoreStaff, Till, User

__all__ = [
    "CellMonth",
    "Chunk",
    "CustomField",
    "Goal",
    "IdempotentAnswer",
    "Identity",
    "Member",
    "MemberScore",
    "Message",
    "Pair",
    "Product",
    "Return",
    "ReturnLine",
    "RfmScheme",
    "Sale",
    "SaleLine",
    "ScoreNight",
    "Store",
    "StoreDay",
    "StoreStaff",
    "Tally",
    "Template",
    "Tick",
    "Till",
    "User",
]
