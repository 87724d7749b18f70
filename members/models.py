"""Gathers the rooms' nouns, so that Django finds them."""

from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.messaging.models import Message, Template
from members.notes.models import Note
from members.profiles.models import CustomField, Identity, Member
from members.purchases.models import Product, Return, ReturnLine, Sale, SaleLine
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

__all__ = [
    "Audience",
    "AudienceMember",
    "Chunk",
    "CustomField",
    "IdempotentAnswer",
    "Identity",
    "ListMember",
    "Member",
    "MemberList",
    "Membership",
    "Message",
    "Note",
    "Product",
    "Return",
    "ReturnLine",
    "Sale",
    "SaleLine",
    "Segment",
    "SegmentSize",
    "SegmentVersion",
    "Store",
    "StoreStaff",
    "Template",
    "Tick",
    "Till",
    "User",
]
