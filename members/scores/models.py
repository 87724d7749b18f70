"""Nouns: how the shop scores, the night, the row of a member, cells month by month, and the tables of a night."""

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.scores.rules import CUTS, Cell, Risk
from members.stores.models import Store


class RfmScheme(models.Model):
    """How the shop scores recency, frequency and spend: by fifths of its buyers, or by cuts of its own. One row."""

    days = models.PositiveSmallIntegerField(_("window in days"), default=365)  # of frequency and spend
    has_own_cuts = models.BooleanField(_("own cut points"), default=False)
    recency = ArrayField(
        models.IntegerField(), verbose_name=_("days since the last purchase"), default=list, blank=True
    )
    frequency = ArrayField(models.IntegerField(), verbose_name=_("purchases in the window"), default=list, blank=True)
    spend = ArrayField(models.BigIntegerField(), verbose_name=_("spend in the window"), default=list, blank=True)

    class Meta:
        verbose_name = _("RFM scheme")
        verbose_name_plural = _("RFM scheme")
        constraints = [
            models.CheckConstraint(name="rfm_scheme_is_one_row", condition=Q(id=1)),
            models.CheckConstraint(name="rfm_window_is_a_month_or_more", condition=Q(days__gte=30, days__lte=3650)),
            models.CheckConstraint(
                name="own_cuts_are_four_each",
                condition=Q(has_own_cuts=False) | Q(recency__len=CUTS, frequency__len=CUTS, spend__len=CUTS),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.days}"


class ScoreNightQuerySet(models.QuerySet["ScoreNight"]):
    def complete(self) -> "ScoreNightQuerySet":
        return self.filter(finished_at__isnull=False)

    def newest_first(self) -> "ScoreNightQuerySet":
        return self.order_by("-day")


class ScoreNight(models.Model):
    """What one night scored by: cut points, the fitted models or what they lack, how many members."""

    day = models.DateField(_("night"), unique=True)
    window_days = models.PositiveSmallIntegerField(default=365)
    cuts = models.JSONField(default=dict)  # "recency", "frequency", "spend": four numbers each; later "value": nine
    usual_days = models.PositiveIntegerField(null=True)  # the middle interval between purchases
    members = models.IntegerField(default=0)
    buyers = models.IntegerField(default=0)
    model = models.JSONField(default=dict)  # "rates", "values", "fitted_on", "repeaters", or "lacks"
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScoreNightQuerySet.as_manager()

    def __str__(self) -> str:
        return f"#{self.pk} {self.day}"


class MemberScoreQuerySet(models.QuerySet["MemberScore"]):
    def of_stores(self, stores: models.QuerySet[Store]) -> "MemberScoreQuerySet":
        return self.filter(member__home_store__in=stores)

    def buyers(self) -> "MemberScoreQuerySet":
        return self.filter(sales__gt=0)


class MemberScore(models.Model):
    """What a member's purchases amount to, kept by the night. Money is minor units, less what came back.

    A sale that came back whole is none. Days are the shop's, up to the night's beginning.
    """

    member = models.OneToOneField(Member, models.CASCADE, primary_key=True, related_name="score")
    sales = models.IntegerField(_("purchases"), db_default=0)
    days_bought = models.IntegerField(_("days with a purchase"), db_default=0)
    items = models.IntegerField(_("items"), db_default=0)
    spend = models.BigIntegerField(_("spend"), db_default=0)
    first_spend = models.BigIntegerField(db_default=0)  # on the first day: the models count what came after it
    first_on = models.DateField(_("first purchase"), null=True)
    last_on = models.DateField(_("last purchase"), null=True)
    interval_days = models.IntegerField(_("average interval in days"), null=True)  # from the second day on
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="+", null=True, verbose_name=_("preferred store"), db_index=False
    )
    category = models.CharField(_("top category"), max_length=60, db_default="", blank=True)
    categories = models.SmallIntegerField(_("kinds of goods"), db_default=0)
    recent_sales = models.IntegerField(_("purchases in the window"), db_default=0)
    recent_spend = models.BigIntegerField(_("spend in the window"), db_default=0)
    quarter_sales = models.IntegerField(_("purchases in 90 days"), db_default=0)
    before_sales = models.IntegerField(_("purchases in the 90 days before"), db_default=0)

    recency = models.SmallIntegerField(_("recency"), null=True)  # 1 to 5, as the next two; empty before a purchase
    frequency = models.SmallIntegerField(_("frequency"), null=True)
    monetary = models.SmallIntegerField(_("spend score"), null=True)
    cell = models.CharField(_("RFM cell"), max_length=10, choices=Cell, db_default=Cell.NEVER)
    cell_before = models.CharField(_("cell a month ago"), max_length=10, choices=Cell, db_default="", blank=True)
    cell_month = models.DateField(null=True)  # the month to whose end `cell` belongs; `cell_before` to the one before
    risk = models.CharField(_("churn risk"), max_length=6, choices=Risk, db_default="", blank=True)
    alive = models.SmallIntegerField(_("still a customer"), null=True)  # percent, by the model
    expected_sales = models.FloatField(_("expected purchases in a year"), null=True)
    expected_value = models.BigIntegerField(_("expected value in a year"), null=True)
    decile = models.SmallIntegerField(_("value decile"), null=True)  # 10 is worth most
    engagement = models.SmallIntegerField(_("engagement"), db_default=0)  # 0 to 100
    next_on = models.DateField(_("next purchase expected"), null=True)

    objects = MemberScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("member score")
        verbose_name_plural = _("member scores")
        constraints = [
            models.CheckConstraint(
                name="score_is_one_to_five",
                condition=Q(recency=None, frequency=None, monetary=None)
                | Q(recency__range=(1, 5), frequency__range=(1, 5), monetary__range=(1, 5)),
            ),
            models.CheckConstraint(name="alive_is_percent", condition=Q(alive=None) | Q(alive__range=(0, 100))),
            models.CheckConstraint(name="score_decile_is_a_tenth", condition=Q(decile=None) | Q(decile__range=(1, 10))),
            models.CheckConstraint(name="engagement_is_percent", condition=Q(engagement__range=(0, 100))),
        ]
        indexes = [models.Index(name="score_by_cell", fields=["cell", "member"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.cell}"


class CellMonth(models.Model):
    """The cell in which a member ended a month; a month without a row is like the one before it."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="cell_months", db_index=False)
    month = models.DateField(_("month"))  # its first
    cell = models.CharField(_("RFM cell"), max_length=10, choices=Cell)

    class Meta:
        constraints = [models.UniqueConstraint(name="cell_once_a_month", fields=["member", "month"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.month:%Y-%m} {self.cell}" if self.month else f"#{self.pk}"


class TallyQuerySet(models.QuerySet["Tally"]):
    def named(self, name: str, day: date) -> "TallyQuerySet":
        return self.filter(name=name, taken_on=day)


class Tally(models.Model):
    """How many members of a store stood in one place of a table in one night; the table has a name."""

    taken_on = models.DateField()
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", db_index=False)  # the members' home
    name = models.CharField(max_length=10)
    down = models.CharField(max_length=60)
    across = models.CharField(max_length=10, db_default="")
    members = models.IntegerField()
    amount = models.BigIntegerField(db_default=0)

    objects = TallyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="tally_once_a_night", fields=["name", "taken_on", "store", "down", "across"])
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name} {self.down} {self.across}"


class StoreDay(models.Model):
    """A store's members in one night: what the index of loyalty and goals are counted from."""

    taken_on = models.DateField(_("night"))
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", db_index=False)  # the members' home
    members = models.IntegerField(_("members"))
    buyers = models.IntegerField(_("members who bought"))
    repeaters = models.IntegerField(_("members who bought again"))
    active = models.IntegerField(_("bought in 90 days"))
    before = models.IntegerField(_("bought in the 90 days before"))
    stayed = models.IntegerField(_("bought in both"))
    engagement = models.BigIntegerField(_("engagement, summed up"))
    spend = models.BigIntegerField(_("spend in the window"))

    class Meta:
        constraints = [models.UniqueConstraint(name="store_once_a_night", fields=["taken_on", "store"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.taken_on}"
