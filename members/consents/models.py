"""Nouns: the words that members agree to, what each said when, guardians, and what they prefer."""

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.consents.rules import ERASED
from members.kit.windows import months_after
from members.profiles.models import Identity, Member, MemberQuerySet
from members.stores.models import Store, User


class Channel(models.TextChoices):
    """The ways in which a message reaches a member."""

    INBOX = "inbox", _("inbox")
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("SMS")


class Purpose(models.TextChoices):
    """What for. Service is what the membership itself needs, and nobody is asked about it."""

    SERVICE = "service", _("service")
    CARE = "care", _("care")
    MARKETING = "marketing", _("marketing")
    SURVEY = "survey", _("survey")
    PROFILING = "profiling", _("profiling")


ASKED = [Purpose.CARE, Purpose.MARKETING, Purpose.SURVEY]  # by channel
ALL_ASKED = [*ASKED, Purpose.PROFILING]


class WordingQuerySet(models.QuerySet["Wording"]):
    def newest(self, purpose: str) -> "Wording | None":
        """The words that count now."""
        return self.filter(purpose=purpose).order_by("-version").first()

    def in_force(self) -> "WordingQuerySet":
        """The words that count now, of every purpose."""
        return self.order_by("purpose", "-version").distinct("purpose")


class Wording(models.Model):
    """What members agree to, word for word. Never edited: other words are a new version."""

    purpose = models.CharField(_("purpose"), max_length=10, choices=[(each, each.label) for each in ALL_ASKED])
    version = models.PositiveIntegerField(_("version"), editable=False)
    text_zh = models.TextField(_("words in Chinese"), max_length=1000)
    text_en = models.TextField(_("words in English"), max_length=1000)
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, editable=False)
    written_at = models.DateTimeField(_("written at"), editable=False)

    objects = WordingQuerySet.as_manager()

    class Meta:
        verbose_name = _("wording of a consent")
        verbose_name_plural = _("wordings of consents")
        constraints = [
            models.UniqueConstraint(name="wording_version_once", fields=["purpose", "version"]),
            models.CheckConstraint(name="wording_has_words", condition=~Q(text_zh="") & ~Q(text_en="")),
        ]
        triggers = [pgtrigger.Protect(name="wording_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose} v{self.version}"


class ConsentChangeQuerySet(models.QuerySet["ConsentChange"]):
    def of(self, member: Member) -> "ConsentChangeQuerySet":
        return self.filter(member=member)

    def of_family(self, member: Member) -> "ConsentChangeQuerySet":
        """Of a member and of those who were merged into them."""
        return self.filter(member__in=Member.objects.family_of(member))

    def newest_first(self) -> "ConsentChangeQuerySet":
        return self.order_by("-happened_at", "-pk")


# A proof is final but for one thing: words that name a person may make place for "erased".
PROOF = f"""
IF TG_OP = 'UPDATE'
   AND to_jsonb(NEW) - ARRAY['proof', 'trace', 'guardian'] = to_jsonb(OLD) - ARRAY['proof', 'trace', 'guardian']
   AND NEW.proof IN (OLD.proof, '{ERASED}') AND NEW.trace IN (OLD.trace, '{ERASED}')
   AND NEW.guardian IN (OLD.guardian, '{ERASED}')
THEN RETURN NEW;
END IF;
RAISE EXCEPTION 'proofs of consent are never changed or deleted';
"""


class ConsentChange(models.Model):
    """Proof of one yes or no: when, by whom, to which words, from where. Never edited, never deleted."""

    class Source(models.TextChoices):
        PORTAL = "portal", _("the member, in the portal")
        MAIL = "mail", _("the member, by the link in a mail")
        LINK = "link", _("the member, by an unsubscribe link")
        STAFF = "staff", _("staff, at the counter")
        TILL = "till", _("a till or the web shop")
        MERGE = "merge", _("two members became one")

    member = models.ForeignKey(Member, models.PROTECT, related_name="consent_changes", db_index=False)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, blank=True, db_default="")
    is_given = models.BooleanField(_("said yes"))
    source = models.CharField(_("from where"), max_length=8, choices=Source)
    wording = models.ForeignKey(Wording, models.PROTECT, related_name="+", null=True, verbose_name=_("wording"))
    language = models.CharField(_("language"), max_length=10, db_default="", blank=True)  # in which they were read
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("written by"))
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", null=True, verbose_name=_("store"))
    proof = models.CharField(_("shown by"), max_length=200, db_default="", blank=True)
    trace = models.CharField(_("address on the net"), max_length=60, db_default="", blank=True)
    guardian = models.CharField(_("guardian"), max_length=100, db_default="", blank=True)
    key = models.CharField(max_length=120)  # what caused it
    happened_at = models.DateTimeField(_("happened at"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ConsentChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of consent")
        verbose_name_plural = _("changes of consents")
        constraints = [
            models.UniqueConstraint(name="consent_change_once_per_key", fields=["member", "key"]),
            models.CheckConstraint(
                name="consent_change_is_about_something",
                condition=Q(purpose="profiling", channel="")
                | (Q(purpose__in=["care", "marketing", "survey"]) & ~Q(channel="")),
            ),
            models.CheckConstraint(
                name="consent_yes_has_wording", condition=Q(is_given=False) | Q(wording__isnull=False)
            ),
            models.CheckConstraint(
                name="consent_of_staff_has_proof",
                condition=~Q(source="staff") | Q(is_given=False) | (~Q(proof="") & Q(recorded_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="consent_of_till_has_proof",
                condition=~Q(source="till") | Q(is_given=False) | (~Q(proof="") & Q(store__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="consent_change_by_member", fields=["member", "-happened_at"])]
        triggers = [
            pgtrigger.Trigger(
                name="consent_proof_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.Before,
                func=PROOF,
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose} {self.channel} {self.is_given}"


class ConsentQuerySet(models.QuerySet["Consent"]):
    def of(self, member: Member) -> "ConsentQuerySet":
        return self.filter(member=member)

    def given(self, *, purpose: str, at: datetime, channel: str = "") -> "ConsentQuerySet":
        """Where a yes stands since some time before this moment; profiling has no channel."""
        return self.filter(purpose=purpose, channel=channel, is_given=True, since__lte=at)

    def refused(self, *, purpose: str, at: datetime, channel: str = "") -> "ConsentQuerySet":
        """Where a no stands; who never said anything is in neither."""
        return self.filter(purpose=purpose, channel=channel, is_given=False, since__lte=at)


class Consent(models.Model):
    """Where a member stands about one purpose and channel: what the newest proof says."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="consents", db_index=False)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, blank=True, db_default="")
    is_given = models.BooleanField(_("said yes"))
    is_own = models.BooleanField(_("said in person"))  # by the member, not through staff
    since = models.DateTimeField(_("since"))
    change = models.ForeignKey(ConsentChange, models.PROTECT, related_name="+", verbose_name=_("shown by"))

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(name="consent_stands_once", fields=["member", "purpose", "channel"])]
        indexes = [models.Index(name="consent_counted", fields=["purpose", "channel", "is_given", "member"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose} {self.channel} {self.is_given}"


class Guardian(models.Model):
    """Who agreed for a child, and what there is to show for it."""

    member = models.OneToOneField(Member, models.PROTECT, related_name="guardian")
    name = models.CharField(_("guardian"), max_length=100)
    proof = models.CharField(_("shown by"), max_length=200)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("written by"))
    recorded_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("guardian")
        verbose_name_plural = _("guardians")
        constraints = [models.CheckConstraint(name="guardian_is_shown", condition=~Q(name="") & ~Q(proof=""))]

    def __str__(self) -> str:
        return f"#{self.pk}"


class OptIn(models.Model):
    """A yes to e-mail that waits for its holder to follow the link in a mail: once, and not for ever."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="opt_ins")
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+", db_index=False)
    digest = models.CharField(max_length=64)  # SHA-256 of the link's secret
    purposes = models.JSONField()  # {"marketing": 7}: the wording by the purpose
    source = models.CharField(_("from where"), max_length=8, choices=ConsentChange.Source)
    language = models.CharField(_("language"), max_length=10)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, verbose_name=_("written by"))
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", null=True, verbose_name=_("store"))
    proof = models.CharField(_("shown by"), max_length=200, db_default="", blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("good until"))
    used_at = models.DateTimeField(_("used at"), null=True)

    class Meta:
        verbose_name = _("opt-in by e-mail")
        verbose_name_plural = _("opt-ins by e-mail")
        constraints = [models.CheckConstraint(name="opt_in_has_a_time", condition=Q(expires_at__gt=F("asked_at")))]

    def __str__(self) -> str:
        return f"#{self.pk}"


def personalised(members: MemberQuerySet, *, at: datetime) -> MemberQuerySet:
    """Of these members those for whom scores, recommendations and targeted choices may be made (PIPL, art. 24).

    Who said no to profiling is left out, as is a child for whom no guardian spoke, and who is restricted, erased or
    merged into another.
    """
    refused = Consent.objects.refused(purpose=Purpose.PROFILING, at=at).values("member")
    grown_up = months_after(at, -12 * settings.CHILD_AGE).date()
    return members.usable().exclude(pk__in=refused).exclude(birth_on__gt=grown_up, guardian=None)
