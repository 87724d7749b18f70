"""Gathers the rooms' nouns, so that Django finds them."""

from members.addresses.models import Address
from members.advisers.models import Advising
from members.completeness.models import Fullness, FullnessRule, ProfilePart
from members.consents.models import Consent, ConsentChange, Guardian, OptIn, Wording
from members.contact.models import ContactRule, Preference, Topic
from members.extracts.models import Extract
from members.goals.models import Goal
from members.history.models import Change
from members.kit.models import Chunk, IdempotentAnswer, Tick
from members.messaging.models import Message, Template
from members.notes.models import Note
from members.origins.models import JoinCode, Origin
from members.people.models import Person
from members.photos.models import Photo
from members.portraits.models import Pair
from members.privacy.models import Erasure, Look, PrivacyRule, PrivacyStep, RetentionRule
from members.profiles.models import CustomField, ErasedIdentity, Identity, Member
from members.purchases.models import Product, Return, ReturnLine, Sale, SaleLine
from members.roster.models import RosterImport, RosterRow
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
from members.tags.models import Tag, Tagging
from members.webhooks.models import Delivery, Endpoint, Occurrence, Reading

__all__ = [
    "Address",
    "Advising",
    "Audience",
    "AudienceMember",
    "CellMonth",
    "Change",
    "Chunk",
    "Consent",
    "ConsentChange",
    "ContactRule",
    "CustomField",
    "Delivery",
    "Endpoint",
    "ErasedIdentity",
    "Erasure",
    "Extract",
    "Fullness",
    "FullnessRule",
    "Goal",
    "Guardian",
    "IdempotentAnswer",
    "Identity",
    "JoinCode",
    "ListMember",
    "Look",
    "Member",
    "MemberList",
    "MemberScore",
    "Membership",
    "Message",
    "Note",
    "Occurrence",
    "OptIn",
    "Origin",
    "Pair",
    "Person",
    "Photo",
    "Preference",
    "PrivacyRule",
    "PrivacyStep",
    "Product",
    "ProfilePart",
    "Reading",
    "RetentionRule",
    "Return",
    "ReturnLine",
    "RfmScheme",
    "RosterImport",
    "RosterRow",
    "Sale",
    "SaleLine",
    "ScoreNight",
    "Segment",
    "SegmentSize",
    "SegmentVersion",
    "Store",
    "StoreDay",
    "StoreStaff",
    "Tag",
    "Tagging",
    "Tally",
    "Template",
    "Tick",
    "Till",
    "Topic",
    "User",
    "Wording",
]
