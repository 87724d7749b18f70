"""Gathers the rooms' nouns, so that Django finds them."""

from members.consents.models import Consent, ConsentChange, Guardian, OptIn, Wording
from members.contact.models import ContactRule, Preference, Topic
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.messaging.models import Message, Template
from members.privacy.models import Erasure, Look, PrivacyRule, PrivacyStep, RetentionRule
from members.profiles.models import CustomField, ErasedIdentity, Identity, Member
from members.purchases.models import Product, Return, ReturnLine, Sale, SaleLine
from members.stores.models import Store, StoreStaff, Till, User

__all__ = [
    "Chunk",
    "Consent",
    "ConsentChange",
    "ContactRule",
    "CustomField",
    "ErasedIdentity",
    "Erasure",
    "Guardian",
    "IdempotentAnswer",
    "Identity",
    "Look",
    "Member",
    "Message",
    "OptIn",
    "Preference",
    "PrivacyRule",
    "PrivacyStep",
    "Product",
    "RetentionRule",
    "Return",
    "ReturnLine",
    "Sale",
    "SaleLine",
    "Store",
    "StoreStaff",
    "Template",
    "Tick",
    "Till",
    "Topic",
    "User",
    "Wording",
]
