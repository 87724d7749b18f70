"""Nouns: members, the identities by which they are found, the fields a shop adds."""

import re
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Lower, Now, Reverse
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal
from members.profiles.rules import normalise, parts_of, printable
from members.stores.actions import stores_of
from members.stores.models import Store, User

FOUND_AT_MOST = 200  # members by name or last digits; who looks for one types more
SHORTEST_DIGITS = 4


class MemberQuerySet(models.QuerySet["Member"]):
    def identified_by(self, *, kind: str, value: str) -> "MemberQuerySet":
        """The member with this identity; the value as `rules.normalise` leaves it."""
        return self.filter(identities__kind=kind, identities__value=value)

    def of_stores(self, stores: models.QuerySet[Store]) -> "MemberQuerySet":
        """Members at home in one of these stores."""
        return self.filter(home_store__in=stores)

    def visible_to(self, user: User) -> "MemberQuerySet":
        """Members whom this person may see: those at home in the stores where they work."""
        if user.is_superuser or user.sees_all_stores:
            return self.current()
        return self.current().of_stores(stores_of(user))

    def current(self) -> "MemberQuerySet":
        """Without those who were merged into another, or erased."""
        return self.filter(merged_into=None, erased_at=None)

    def usable(self) -> "MemberQuerySet":
        """Those whose data may be used for more than keeping it: who is restricted is out of segments and scores."""
        return self.current().filter(restricted_at=None)

    def merged_into(self, member: "Member") -> "MemberQuerySet":
        """Those who live on in this member."""
        return self.filter(merged_into=member.pk)

    def family_of(self, member: "Member") -> list[int]:
        """The ids of a member and of those who were merged into them."""
        return [member.pk, *self.merged_into(member).order_by("pk").values_list("pk", flat=True)]

    def search(self, text: str) -> "MemberQuerySet":
        """Members whom staff mean by a phone or its last digits, an e-mail, card or number, or a part of a name.

        Fast on a million members: every way in is an index, and a vague text finds at most 200 a way. So narrow to
        what the person may see first, and search last. Asks for the ids at once, so that no later sorting or paging
        tempts the database into reading the whole table.
        """
        return self.filter(pk__in=list(self.ids_meant_by(text)))

    def ids_meant_by(self, text: str) -> "models.QuerySet[Member, int]":
        """The ids behind `search`, each way in a part of one query."""
        ways = [way.values_list("pk", flat=True) for way in self.order_by().ways_to(printable(text))]
        return ways[0].union(*ways[1:]) if ways else self.none().values_list("pk", flat=True)

    def ways_to(self, text: str) -> "list[MemberQuerySet]":
        """Each a query that one index answers."""
        ways = []
        for kind in Identity.Kind.values:
            try:
                value = normalise(kind, text, settings.SHOP_COUNTRY)
            except Refusal:
                continue
            ways.append(self.identified_by(kind=kind, value=value))
        compact = re.sub(r"[\s-]", "", text)
        if not (compact.isascii() and compact.isdecimal()):
            ways += [self.named(begins) for begins in {text, text.title()} if begins]
            return ways + ([self.named_with(text)] if parts_of(text) else [])
        if len(compact) >= SHORTEST_DIGITS:
            owners = Identity.objects.ending_in(compact).values("member")[:FOUND_AT_MOST]
            ways.append(self.filter(pk__in=owners))
        former = Member.objects.filter(number=compact, merged_into__isnull=False).values("merged_into")
        return [*ways, self.filter(number=compact), self.filter(pk__in=former)]

    def named(self, begins: str) -> "MemberQuerySet":
        """The first 200, in the order of characters, whose name begins so."""
        names = self.annotate(plain_name=Collate("name", "C"))
        return names.filter(plain_name__startswith=begins).order_by("plain_name")[:FOUND_AT_MOST]

    def named_with(self, part: str) -> "MemberQuerySet":
        """At most 200 in whose name this stands anywhere, however it is written."""
        names = self.annotate(name_parts=NameParts("name"), small_name=Lower("name"))
        indexed: Any = {"name_parts__contains": parts_of(part)}  # the plug-in for types takes no array here
        return names.filter(small_name__contains=part.lower(), **indexed)[:FOUND_AT_MOST]


class NameParts(models.Func):
    """One, two or three characters that follow one another in a name: what its index holds, see `rules.parts_of`."""

    function = "member_name_parts"
    output_field = ArrayField(models.TextField())


class Member(models.Model):
    """A person in the programme."""

    class Source(models.TextChoices):
        TILL = "till", _("till")
        PORTAL = "portal", _("portal")
        ADMIN = "admin", _("staff")
        IMPORT = "import", _("import")

    number = models.CharField(_("member number"), max_length=20, unique=True)  # on the card; not guessable in order
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=[("zh-hans", _("Simplified Chinese")), ("en", _("English"))],
        default="zh-hans",
    )
    birth_on = models.DateField(_("birthday"), null=True, blank=True)
    home_store = models.ForeignKey(Store, models.PROTECT, related_name="members", verbose_name=_("home store"))
    source = models.CharField(_("enrolled by"), max_length=8, choices=Source)
    enrolled_at = models.DateTimeField(_("enrolled at"))
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="member")
    custom = models.JSONField(_("further fields"), default=dict, blank=True)  # by code of CustomField
    merged_into = models.BigIntegerField(null=True, editable=False)  # the member who lives on; no constraint: another's
    restricted_at = models.DateTimeField(_("restricted at"), null=True, editable=False)  # kept, and not used
    erased_at = models.DateTimeField(_("erased at"), null=True, editable=False)  # nothing personal is left
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        indexes = [
            models.Index(Collate("name", "C"), name="member_by_name"),
            GinIndex(NameParts("name"), name="member_by_name_part"),
            models.Index(name="member_by_store", fields=["home_store", "-id"]),
            models.Index(name="member_by_enrolment", fields=["enrolled_at"]),
            models.Index(name="member_merged", fields=["merged_into"], condition=Q(merged_into__isnull=False)),
            models.Index(name="member_restricted", fields=["restricted_at"], condition=Q(restricted_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="member_is_not_merged_into_itself", condition=Q(merged_into=None) | ~Q(merged_into=F("id"))
            ),
            models.CheckConstraint(
                name="member_erased_is_nobody",
                condition=Q(erased_at=None) | Q(name="", birth_on=None, user=None, custom={}),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.number}"


class IdentityQuerySet(models.QuerySet["Identity"]):
    def ending_in(self, digits: str) -> "IdentityQuerySet":
        """Phones whose last digits these are."""
        backwards = self.filter(kind=Identity.Kind.PHONE).annotate(backwards=Reverse("value"))
        return backwards.filter(backwards__startswith=digits[::-1])


class Identity(models.Model):
    """A phone, e-mail, card or WeChat id by which one member is found."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        CARD = "card", _("card")
        WECHAT = "wechat", _("WeChat")

    member = models.ForeignKey(Member, models.CASCADE, related_name="identities")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    value = models.CharField(_("value"), max_length=254)  # normalised: E.164, lower case, no spaces
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(name="identity_finds_one_member", fields=["kind", "value"])]
        indexes = [
            models.Index(
                OpClass(Reverse("value"), name="text_pattern_ops"),
                name="phone_by_last_digits",
                condition=Q(kind="phone"),
            ),
        ]
        permissions = [("see_full_contacts", _("Can see contacts in full"))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class ErasedIdentity(models.Model):
    """The keyed hash of an identity whose member was erased: no import brings it back."""

    kind = models.CharField(max_length=8, choices=Identity.Kind)
    digest = models.CharField(max_length=64)  # see `rules.blinded`; the identity cannot be read out of it
    erased_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="erased_identity_once", fields=["kind", "digest"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class CustomFieldQuerySet(models.QuerySet["CustomField"]):
    def in_use(self) -> "CustomFieldQuerySet":
        """In their order; what is archived keeps its values and is asked of nobody."""
        return self.filter(is_archived=False).order_by("position", "code")

    def seen_by(self, user: User) -> "CustomFieldQuerySet":
        """Those in use that this person of the staff may see, and so change where they change members."""
        levels = [CustomField.SeenBy.STAFF]
        if user.has_perm("members.see_managed_fields"):
            levels.append(CustomField.SeenBy.MANAGERS)
        if user.has_perm("members.see_owned_fields"):
            levels.append(CustomField.SeenBy.OWNER)
        return self.in_use().filter(seen_by__in=levels)

    def guarded(self) -> "CustomFieldQuerySet":
        """Those that not everybody of the staff may see."""
        return self.exclude(seen_by=CustomField.SeenBy.STAFF)

    def shown_to_members(self) -> "CustomFieldQuerySet":
        return self.in_use().filter(is_shown=True)


class CustomField(models.Model):
    """A field that the shop adds to its members' profiles. Archived, it keeps its values and is asked no more."""

    class SeenBy(models.TextChoices):
        STAFF = "staff", _("everybody of the staff")
        MANAGERS = "managers", _("managers")
        OWNER = "owner", _("the owner only")

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        NUMBER = "number", _("number")
        DATE = "date", _("date")
        CHOICE = "choice", _("choice")
        YES_NO = "yes_no", _("yes or no")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    choices = models.JSONField(_("choices"), default=list, blank=True)  # texts to choose from
    help_zh = models.CharField(_("help in Chinese"), max_length=200, blank=True, db_default="")
    help_en = models.CharField(_("help in English"), max_length=200, blank=True, db_default="")
    is_required = models.BooleanField(_("required"), default=False, db_default=False)  # where a form asks for it
    seen_by = models.CharField(
        _("seen by"), max_length=8, choices=SeenBy, default=SeenBy.STAFF, db_default=SeenBy.STAFF.value
    )
    is_shown = models.BooleanField(_("the member sees it"), default=False, db_default=False)
    is_asked = models.BooleanField(_("the member fills it in"), default=False, db_default=False)
    is_archived = models.BooleanField(_("archived"), default=False, db_default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = CustomFieldQuerySet.as_manager()

    class Meta:
        verbose_name = _("further field")
        verbose_name_plural = _("further fields")
        constraints = [
            models.CheckConstraint(name="choice_field_has_choices", condition=~Q(kind="choice") | ~Q(choices=[])),
            models.CheckConstraint(name="asked_field_is_shown", condition=Q(is_asked=False) | Q(is_shown=True)),
            models.CheckConstraint(
                name="field_is_seen_by_somebody", condition=Q(seen_by__in=["staff", "managers", "owner"])
            ),
        ]
        permissions = [
            ("see_managed_fields", _("Can see further fields that are for managers")),
            ("see_owned_fields", _("Can see further fields that are for the owner")),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"
