"""Gathers the rooms' nouns, so that Django finds them."""

from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.messaging.models import Message, Template
from members.notes.models import Note
from members.profiles.models import CustomField, Identity, Member
from members.purchases.models import Product, Return, ReturnLine, Sale, SaleLine
from members.stores.models import Store, StoreStaff, Till, User

__all__ = [
    "Chunk",
    "CustomField",
    "IdempotentAnswer",
    "Identity",
    "Member",
    "Message",
    "Note",
    "Product",
    "Return",
    "ReturnLine",
    "Sale",
    "SaleLine",
    "Store",
    "StoreStaff",
    "Template",
    "Tick",
    "Till",
    "User",
]
