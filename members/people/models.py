"""Nouns: what a member says of themselves."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.people.rules import LONGEST_PART, LONGEST_TEXT, LUNAR, SOLAR
from members.profiles.models import Member


class PersonQuerySet(models.QuerySet["Person"]):
    def with_birthday(self) -> "PersonQuerySet":
        """Those who said a calendar, a month and a day."""
        return self.exclude(calendar="")

    def born_on(self, calendar: str, days: set[int]) -> "PersonQuerySet":
        """Whose birthday in this calendar is one of these, as month * 100 + day."""
        key = models.F("birth_month") * 100 + models.F("birth_day")
        return self.filter(calendar=calendar).alias(born=key).filter(born__in=sorted(days))


class Person(models.Model):
    """What a member says of themselves; one row a member, made when something is said."""

    class Gender(models.TextChoices):
        UNSAID = "", _("not said")
        FEMALE = "female", _("female")
        MALE = "male", _("male")
        OTHER = "other", _("other")

    class Calendar(models.TextChoices):
        NONE = "", _("as in the date of birth")
        SOLAR = SOLAR, _("solar calendar")
        LUNAR = LUNAR, _("lunar calendar")

    member = models.OneToOneField(Member, models.PROTECT, related_name="person", verbose_name=_("member"))
    family_name = models.CharField(_("family name"), max_length=LONGEST_PART, blank=True)
    given_name = models.CharField(_("given name"), max_length=LONGEST_PART, blank=True)
    gender = models.CharField(_("gender"), max_length=6, choices=Gender, blank=True)
    occupation = models.CharField(_("occupation"), max_length=LONGEST_TEXT, blank=True)
    interests = models.CharField(_("interests"), max_length=LONGEST_TEXT, blank=True)
    calendar = models.CharField(_("birthday kept by"), max_length=5, choices=Calendar, blank=True)
    birth_month = models.PositiveSmallIntegerField(_("month of the birthday"), null=True, blank=True)
    birth_day = models.PositiveSmallIntegerField(_("day of the birthday"), null=True, blank=True)
    said_at = models.DateTimeField(_("said at"))

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="person_birthday_is_whole",
                condition=Q(calendar="", birth_month=None, birth_day=None)
                | Q(calendar=SOLAR, birth_month__range=(1, 12), birth_day__range=(1, 31))
                | Q(calendar=LUNAR, birth_month__range=(1, 12), birth_day__range=(1, 30)),
            ),
            models.CheckConstraint(
                name="person_gender_is_known", condition=Q(gender__in=["", "female", "male", "other"])
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.calendar or 'person'}"
