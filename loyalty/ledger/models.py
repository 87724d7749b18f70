"""Nouns: point kinds, accounts, movements, lots, and which lots a movement took from."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pgtrigger
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from loyalty.ledger.rules import LONGEST_ACTOR, LONGEST_REASON, MOST_IDLE_MONTHS
from members.profiles.models import Member


class Programme(models.Model):
    """One row: the settings of the whole, and a stamp that triggers renew whenever what judges sales changes."""

    revision = models.UUIDField(db_default=RandomUUID(), editable=False)
    return_days = models.PositiveSmallIntegerField(_("days in which goods may come back"), db_default=14)
    most_percent = models.PositiveIntegerField(  # of all rules that multiply, together
        _("highest multiplier in percent"),
        db_default=1_000,
        validators=[MinValueValidator(100), MaxValueValidator(10_000)],
    )

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programme")
        constraints = [
            models.CheckConstraint(name="programme_is_one", condition=Q(pk=1)),
            models.CheckConstraint(name="programme_multiplies_sanely", condition=Q(most_percent__range=(100, 10_000))),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="programme_renews_itself",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="NEW.revision := gen_random_uuid(); RETURN NEW;",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.revision}"


def renews_programme(name: str) -> pgtrigger.Trigger:
    """The trigger for tables that judge sales: any change renews the programme's revision."""
    return pgtrigger.Trigger(
        name=name,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        when=pgtrigger.After,
        level=pgtrigger.Statement,
        func="UPDATE loyalty_programme SET revision = gen_random_uuid(); RETURN NULL;",
    )


class PointKind(models.Model):
    """What is counted: points to spend, growth to climb by, and what the shop adds."""

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=40)
    is_spendable = models.BooleanField(_("can be spent"), default=True)
    debt_limit = models.BigIntegerField(_("debt limit"), default=0)  # how far a claw-back may go below zero
    money_per_thousand = models.BigIntegerField(  # minor units
        _("value of 1,000 points in cents (fen)"), default=0
    )
    restored_life_days = models.PositiveIntegerField(_("least days of life after a restore"), default=30)

    class Meta:
        verbose_name = _("point kind")
        verbose_name_plural = _("point kinds")
        triggers = [renews_programme("kind_renews_programme")]
        constraints = [
            models.CheckConstraint(name="debt_limit_is_a_limit", condition=Q(debt_limit__gte=0)),
            models.CheckConstraint(name="points_are_worth_something", condition=Q(money_per_thousand__gte=0)),
            models.CheckConstraint(name="restored_life_is_life", condition=Q(restored_life_days__gte=1)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class AccountQuerySet(models.QuerySet["Account"]):
    def of(self, member: Member) -> "AccountQuerySet":
        return self.filter(member=member)


class Account(models.Model):
    """A member's holding of one point kind. Only the ledger's functions write it."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="accounts", db_index=False)
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="accounts", db_index=False)
    pending = models.BigIntegerField(_("pending"), db_default=0)
    active = models.BigIntegerField(_("active"), db_default=0)  # below zero is debt
    held = models.BigIntegerField(_("held"), db_default=0)
    overdraft = models.BigIntegerField(db_default=0)  # the debt limit under which a claw-back took it below zero
    next_due_at = models.DateTimeField(null=True)  # when the next lot activates or expires
    idles = models.BooleanField(db_default=False)  # has, or had, lots that lapse after months without activity
    is_closed = models.BooleanField(db_default=False)  # the member was merged into another: nothing is posted here

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="account_once_per_kind", fields=["member", "kind"]),
            models.CheckConstraint(
                name="account_is_never_overdrawn",
                condition=Q(pending__gte=0, held__gte=0) & Q(active__gte=-F("overdraft")),
            ),
            models.CheckConstraint(
                name="account_closed_is_empty", condition=Q(is_closed=False) | Q(pending=0, active=0, held=0)
            ),
        ]
        indexes = [
            models.Index(
                name="account_due",
                fields=["id"],
                include=["next_due_at"],
                condition=Q(next_due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.active}"


class Bucket(models.TextChoices):
    PROGRAMME = "programme", _("programme")
    PENDING = "pending", _("pending")
    ACTIVE = "active", _("active")
    HELD = "held", _("held")


@dataclass(frozen=True, slots=True)
class Balances:
    """The three buckets of an account, in points."""

    pending: int
    active: int
    held: int


class MovementQuerySet(models.QuerySet["Movement"]):
    def of(self, member: Member) -> "MovementQuerySet":
        return self.filter(account__member=member)

    def of_family(self, member: Member) -> "MovementQuerySet":
        """Of a member and of those who were merged into them."""
        return self.filter(account__member__in=Member.objects.family_of(member))

    def lived(self) -> "MovementQuerySet":
        """Without those that stand in for a merged member's, which add up to nothing."""
        return self.exclude(kind="transfer", asked__isnull=False).exclude(kind="transfer", key__startswith="adopt:")

    def of_kind(self, kind: PointKind) -> "MovementQuerySet":
        return self.filter(account__kind=kind)

    def between(self, start: datetime, end: datetime) -> "MovementQuerySet":
        """Half-open: from the start on, before the end."""
        return self.filter(happened_at__gte=start, happened_at__lt=end)

    def balances(self) -> Balances:
        """What these movements add up to, bucket by bucket: the balances as of any past moment, with `until`."""
        sums = {
            f"{side}_{bucket}": Coalesce(Sum("points", filter=Q(**{side: bucket})), 0)
            for side in ("source", "target")
            for bucket in ("pending", "active", "held")
        }
        found = self.aggregate(**sums)
        return Balances(
            *(found[f"target_{bucket}"] - found[f"source_{bucket}"] for bucket in ("pending", "active", "held"))
        )

    def until(self, moment: datetime) -> "MovementQuerySet":
        """What had happened before the moment."""
        return self.filter(happened_at__lt=moment)

    def newest_first(self) -> "MovementQuerySet":
        return self.order_by("-happened_at", "-pk")

    def oldest_first(self) -> "MovementQuerySet":
        return self.order_by("happened_at", "pk")


# A movement is final but for one thing: a reason that names somebody who was erased may be emptied.
FINAL = """
IF TG_OP = 'UPDATE' AND OLD.reason <> '' AND NEW.reason = ''
   AND to_jsonb(NEW) - 'reason' = to_jsonb(OLD) - 'reason'
THEN RETURN NEW;
END IF;
RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
"""


class Movement(models.Model):
    """Points going from one bucket to another, or from or to the programme. Never edited, never deleted."""

    class Kind(models.TextChoices):
        EARN = "earn", _("earned")
        ACTIVATE = "activate", _("activated")
        HOLD = "hold", _("held")
        RELEASE = "release", _("released")
        SPEND = "spend", _("spent")
        EXPIRE = "expire", _("expired")
        CLAW_BACK = "claw_back", _("taken back")
        RESTORE = "restore", _("given back")
        TRANSFER = "transfer", _("transferred")
        ADJUST = "adjust", _("adjusted")
        IMPORT = "import", _("brought in")
        WRITE_OFF = "write_off", _("written off")

    member = models.ForeignKey(Member, models.PROTECT, related_name="movements", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="movements", db_index=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    source = models.CharField(_("from"), max_length=10, choices=Bucket)
    target = models.CharField(_("to"), max_length=10, choices=Bucket)
    points = models.BigIntegerField(_("points"))
    pending_after = models.BigIntegerField()
    active_after = models.BigIntegerField()
    held_after = models.BigIntegerField()
    key = models.CharField(max_length=100)  # what caused it, for example "sale:1042:points"
    cause = models.ForeignKey(  # the movement that this one undoes or completes
        "self", models.PROTECT, related_name="consequences", null=True, db_index=False
    )
    reason = models.CharField(_("reason"), max_length=LONGEST_REASON, db_default="")
    actor = models.CharField(_("by"), max_length=LONGEST_ACTOR, db_default="")
    happened_at = models.DateTimeField(_("happened at"))
    asked = models.BigIntegerField(null=True)  # of a claw-back: how many it was asked for,
    lapsed = models.BigIntegerField(null=True)  # and how many of them were back already because they had lapsed
    created_at = models.DateTimeField(db_default=Now())

    objects = MovementQuerySet.as_manager()

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movements")
        permissions = [("see_figures", _("Can see the shop's figures"))]
        constraints = [
            models.UniqueConstraint(name="movement_once_per_key", fields=["account", "key", "member"]),
            models.CheckConstraint(  # a claw-back of what lapsed takes nothing, and is written for its key
                name="movement_moves_something",
                condition=Q(points__gt=0) | Q(points=0, kind__in=["claw_back", "restore"]),
            ),
            models.CheckConstraint(name="movement_goes_somewhere", condition=~Q(source=F("target"))),
        ]
        indexes = [
            # carries statements, and a tier's window of growth off the index alone
            models.Index(
                name="movement_by_account",
                fields=["account", "happened_at"],
                include=["points", "source", "target"],
            ),
            models.Index(name="movement_by_moment", fields=["happened_at"]),
            models.Index(name="movement_by_cause", fields=["cause"], condition=Q(cause__isnull=False)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="movement_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.Before,
                func=FINAL,
            ),
            pgtrigger.Trigger(
                name="movement_is_kept",
                operation=pgtrigger.Truncate,
                when=pgtrigger.Before,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'movements are never deleted';",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind} {self.points}"

    @property
    def signed(self) -> int:
        """The points with the sign that the member feels: what comes to them above zero, what goes below."""
        return self.points if self.source == Bucket.PROGRAMME or self.target == Bucket.ACTIVE else -self.points


class LotQuerySet(models.QuerySet["Lot"]):
    def open(self) -> "LotQuerySet":
        return self.filter(remaining__gt=0)

    def soonest_expiring_first(self) -> "LotQuerySet":
        return self.order_by(F("expires_at").asc(nulls_last=True), "pk")


class Lot(models.Model):
    """One credit with its own activation and expiry, and what is left of it."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="lots", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="lots", db_index=False)
    origin = models.ForeignKey(Movement, models.PROTECT, related_name="lots")  # the movement that gave it
    points = models.BigIntegerField()
    remaining = models.BigIntegerField()  # pending or active, by is_active
    held = models.BigIntegerField(db_default=0)
    is_active = models.BooleanField()
    activates_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # never, when empty
    idle_months = models.PositiveSmallIntegerField(null=True)  # activity moves `expires_at` so many months away again
    replaces = models.ForeignKey(  # the lot in whose place this one came when points were given back
        "self", models.PROTECT, related_name="heirs", null=True, db_index=False
    )
    carries = models.BigIntegerField(null=True)  # the lot of a merged member that lives on in this one; no constraint

    objects = LotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="lot_holds_no_more_than_it_was",
                condition=Q(remaining__gte=0, held__gte=0) & Q(points__gte=F("remaining") + F("held")),
            ),
            models.CheckConstraint(
                name="lot_lives", condition=Q(expires_at=None) | Q(expires_at__gt=F("activates_at"))
            ),
            models.CheckConstraint(
                name="lot_idles_until_a_day",
                condition=Q(idle_months=None)
                | Q(idle_months__gte=1, idle_months__lte=MOST_IDLE_MONTHS, expires_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="lot_open", fields=["account", "expires_at", "id"], condition=Q(remaining__gt=0)),
            models.Index(  # those that wait for an event
                name="lot_waits",
                fields=["member"],
                condition=Q(remaining__gt=0, is_active=False, activates_at__gte=datetime(9000, 1, 1, tzinfo=UTC)),
            ),
            models.Index(name="lot_heir", fields=["replaces"], condition=Q(replaces__isnull=False)),
            models.Index(name="lot_carries", fields=["carries"], condition=Q(carries__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.remaining}/{self.points}"


class LotUse(models.Model):
    """How many points a movement took from a lot (above zero) or put back into it (below)."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    movement = models.ForeignKey(Movement, models.PROTECT, related_name="uses")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="uses")
    points = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="use_is_never_zero", condition=~Q(points=0))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class Inherited(models.Model):
    """What of a merged member's past counts for this one, at its own moment, where a tier looks at movements.

    A merge's own movements are in it with the opposite sign, so that what merely went over is counted once.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    kind = models.ForeignKey(PointKind, models.PROTECT, related_name="+", db_index=False)
    what = models.CharField(max_length=10, choices=Movement.Kind)
    points = models.BigIntegerField()  # above zero out of the programme, below zero back into it
    happened_at = models.DateTimeField()
    key = models.CharField(max_length=100)  # of the merge, or of its undoing

    class Meta:
        indexes = [models.Index(name="inherited_counted", fields=["member", "kind", "happened_at"], include=["points"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class Difference(models.Model):
    """What the nightly proof found wrong: an account whose balances do not follow from its movements or lots."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="differences")
    member = models.ForeignKey(Member, models.PROTECT, related_name="+")
    found_at = models.DateTimeField(_("found at"))
    proof = models.CharField(_("proof"), max_length=20)  # movements, or lots
    stored = models.JSONField(_("stored"))  # pending, active, held
    computed = models.JSONField(_("computed"))

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")

    def __str__(self) -> str:
        return f"#{self.pk} {self.proof}"
