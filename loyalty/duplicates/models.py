"""Nouns: marks that alike members share, and two members who may be one person."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.duplicates.rules import LEAST, strength_of, words_of
from members.profiles.models import Identity, Member
from members.stores.models import User


class Mark(models.Model):
    """By what a member is beside others who may be the same: a hash of a name with a birthday, an e-mail and so on.

    The night keeps these. What was hashed cannot be read out of them, and they go with the member.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    value = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="mark_once_per_member", fields=["member", "value"])]
        indexes = [models.Index(name="mark_shared", fields=["value", "member"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.value}"


class LikenessQuerySet(models.QuerySet["Likeness"]):
    def current(self) -> "LikenessQuerySet":
        """Of two who are still two, and whose data are used."""
        usable = Member.objects.usable()
        return self.filter(Exists(usable.filter(pk=OuterRef("member"))), Exists(usable.filter(pk=OuterRef("other"))))

    def visible_to(self, user: User) -> "LikenessQuerySet":
        """Of two whom this person may see, both."""
        seen = Member.objects.visible_to(user).order_by()
        return self.filter(Exists(seen.filter(pk=OuterRef("member"))), Exists(seen.filter(pk=OuterRef("other"))))

    def undecided(self) -> "LikenessQuerySet":
        return self.filter(decided_at=None)

    def beside(self) -> "LikenessQuerySet":
        """With what a list says of both: the older by a join, the other and the phones by looking them up."""
        other = Member.objects.filter(pk=OuterRef("other"))
        phones = Identity.objects.filter(kind=Identity.Kind.PHONE).order_by("pk").values("value")
        return self.select_related("member__home_store").annotate(
            phone=Subquery(phones.filter(member=OuterRef("member"))[:1]),
            other_name=Subquery(other.values("name")[:1]),
            other_number=Subquery(other.values("number")[:1]),
            other_phone=Subquery(phones.filter(member=OuterRef("other"))[:1]),
            other_store_zh=Subquery(other.values("home_store__name_zh")[:1]),
            other_store_en=Subquery(other.values("home_store__name_en")[:1]),
        )

    def of(self, member: Member) -> "LikenessQuerySet":
        return self.filter(Q(member=member) | Q(other=member.pk))

    def likeliest_first(self) -> "LikenessQuerySet":
        return self.order_by("-score", "-pk")


class Likeness(models.Model):
    """That two members may be one person, and why; once for each two. Who was told apart stays so for good."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="likenesses", verbose_name=_("member"))
    other = models.BigIntegerField(_("other member"))  # the younger of the two; no constraint: another's row
    score = models.PositiveSmallIntegerField(_("how likely"))
    reasons = ArrayField(models.CharField(max_length=20), verbose_name=_("what is alike"))
    found_at = models.DateTimeField(_("found at"))
    decided_at = models.DateTimeField(_("told apart at"), null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("told apart by"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = LikenessQuerySet.as_manager()

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(name="likeness_once_for_two", fields=["member", "other"]),
            models.CheckConstraint(name="likeness_names_the_older_first", condition=Q(member__lt=F("other"))),
            models.CheckConstraint(name="likeness_is_likely", condition=Q(score__range=(LEAST, 99)) & ~Q(reasons=[])),
            models.CheckConstraint(
                name="likeness_is_decided_by_somebody",
                condition=Q(decided_at=None, decided_by=None) | Q(decided_at__isnull=False, decided_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="likeness_open", fields=["-score", "-id"], condition=Q(decided_at=None)),
            models.Index(name="likeness_of_other", fields=["other"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.member_id}~{self.other}"

    @property
    def words(self) -> str:
        """What is alike, in the reader's words."""
        return words_of(self.reasons)

    @property
    def strength(self) -> str:
        """strong, likely, possible."""
        return strength_of(self.score)
