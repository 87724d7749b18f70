"""Gathers the rooms' nouns, so that Django finds them."""

from members.goals.models import Goal
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.messaging.models import Message, Template
from members.notes.models import Note
from members.portraits.models import Pair
from members.profiles.models import CustomField, Identity, Member
from members.purchases.models import Product, Return, ReturnLine, Sale, SaleLine
from members.scores.models import CellMonth, MemberScore, RfmScheme, ScoreNight, StoreDay, Tally
from members.segments.models import (
    Audience,
    AudienceMember,
    ListMember,
    MemberList,
    Membership,
    Segment,
    SegmentSize,
    SegmentVersion,
)
from members.stores.models import Store, StoreStaff, Till, User
from members.webhooks.models import Delivery, Endpoint, Occurrence, Reading

__all__ = [
    "Audience",
    "AudienceMember",
    "CellMonth",
    "Chunk",
    "CustomField",
    "Delivery",
    "Endpoint",
    "Goal",
    "IdempotentAnswer",
    "Identity",
    "ListMember",
    "Member",
    "MemberList",
    "MemberScore",
    "Membership",
    "Message",
    "Note",
    "Occurrence",
    "Pair",
    "Product",
    "Reading",
    "Return",
    "ReturnLine",
    "RfmScheme",
    "Sale",
    "SaleLine",
    "ScoreNight",
    "Segment",
    "SegmentSize",
    "SegmentVersion",
    "Store",
    "StoreDay",
    "StoreStaff",
    "Tally",
    "Template",
    "Tick",
    "Till",
    "User",
]
