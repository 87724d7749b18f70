"""Nouns: products, sales and their lines."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from members.profiles.models import Member
from members.stores.models import Store, Till


class Product(models.Model):
    """A thing the shop sells."""

    sku = models.CharField(_("SKU"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    category = models.CharField(_("category"), max_length=60, blank=True)
    brand = models.CharField(_("brand"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return f"#{self.pk} {self.sku}"


class Tender(models.TextChoices):
    CASH = "cash", _("cash")
    CARD = "card", _("bank card")
    WECHAT = "wechat", _("WeChat Pay")
    ALIPAY = "alipay", _("Alipay")
    OTHER = "other", _("other")


class Channel(models.TextChoices):
    TILL = "till", _("till")
    WEB = "web", _("web shop")
    MINI = "mini", _("mini-program")


class SaleQuerySet(models.QuerySet["Sale"]):
    def of(self, member: Member) -> "SaleQuerySet":
        return self.filter(member=member)

    def of_stores(self, stores: models.QuerySet[Store]) -> "SaleQuerySet":
        return self.filter(store__in=stores)

    def newest_first(self) -> "SaleQuerySet":
        return self.order_by("-happened_at", "-pk")


class Sale(models.Model):
    """What a till told us about one receipt. Amounts are minor units of the currency."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="sales", verbose_name=_("member"), db_index=False)
    store = models.ForeignKey(Store, models.PROTECT, related_name="sales", verbose_name=_("store"), db_index=False)
    till = models.ForeignKey(
        Till,
        models.PROTECT,
        related_name="sales",
        verbose_name=_("till"),
        null=True,
        blank=True,
        db_index=False,
    )
    receipt = models.CharField(_("receipt"), max_length=200)  # the till's own number for it
    happened_at = models.DateTimeField(_("happened at"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.BigIntegerField(_("amount paid"))  # after discounts
    discount = models.BigIntegerField(_("discount"), db_default=0)
    tender = models.CharField(_("tender"), max_length=8, choices=Tender, db_default=Tender.OTHER)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, db_default=Channel.TILL)
    attributes = models.JSONField(_("attributes"), db_default={}, blank=True)  # what else the till said
    returned_amount = models.BigIntegerField(_("given back"), db_default=0)  # by all its returns
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SaleQuerySet.as_manager()

    class Meta:
        verbose_name = _("sale")
        verbose_name_plural = _("sales")
        constraints = [
            models.UniqueConstraint(name="sale_once_per_receipt", fields=["member", "store", "receipt"]),
            models.CheckConstraint(name="sale_amounts_are_not_negative", condition=Q(amount__gte=0, discount__gte=0)),
            models.CheckConstraint(
                name="sale_gives_back_what_was_paid",
                condition=Q(returned_amount__gte=0, returned_amount__lte=F("amount")),
            ),
        ]
        indexes = [
            # carries a tier's window: the sum of a member's spend is read off the index alone
            models.Index(name="sale_by_member", fields=["member", "happened_at"], include=["amount"]),
            models.Index(name="sale_by_store", fields=["store", "happened_at"]),
            models.Index(name="sale_by_moment", fields=["happened_at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.receipt}"


class SaleLine(models.Model):
    """One line of a receipt, discounts already taken off its amount."""

    sale = models.ForeignKey(Sale, models.PROTECT, related_name="lines", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    position = models.PositiveSmallIntegerField(_("position"))
    product = models.ForeignKey(
        Product, models.PROTECT, related_name="lines", null=True, blank=True, verbose_name=_("product")
    )
    sku = models.CharField(_("SKU"), max_length=60, db_default="", blank=True)
    name = models.CharField(_("name"), max_length=200, db_default="", blank=True)
    quantity = models.IntegerField(_("quantity"))
    amount = models.BigIntegerField(_("amount"))
    discount = models.BigIntegerField(_("discount"), db_default=0)
    returned_quantity = models.IntegerField(db_default=0)
    returned_amount = models.BigIntegerField(db_default=0)

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.UniqueConstraint(name="line_once_per_position", fields=["sale", "position", "member"]),
            models.CheckConstraint(name="line_counts_up", condition=Q(quantity__gte=1, amount__gte=0, discount__gte=0)),
            models.CheckConstraint(
                name="line_gives_back_what_was_bought",
                condition=Q(returned_quantity__gte=0, returned_quantity__lte=F("quantity"))
                & Q(returned_amount__gte=0, returned_amount__lte=F("amount")),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.sku} x{self.quantity}"


class ReturnQuerySet(models.QuerySet["Return"]):
    def of(self, member: Member) -> "ReturnQuerySet":
        return self.filter(member=member)

    def waiting(self) -> "ReturnQuerySet":
        """Those that came before their sale."""
        return self.filter(state=Return.State.WAITING)

    def newest_first(self) -> "ReturnQuerySet":
        return self.order_by("-happened_at", "-pk")


class Return(models.Model):
    """Goods that came back. It names a sale by its receipt; one that comes before its sale waits for it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for its sale")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        REFUSED = "refused", _("its sale cannot bear it")

    member = models.ForeignKey(Member, models.PROTECT, related_name="returns", verbose_name=_("member"), db_index=False)
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    till = models.ForeignKey(
        Till, models.PROTECT, related_name="+", verbose_name=_("till"), null=True, blank=True, db_index=False
    )
    receipt = models.CharField(_("receipt of the return"), max_length=200)
    sale = models.ForeignKey(Sale, models.PROTECT, related_name="returns", null=True, verbose_name=_("sale"))
    sale_store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store of the sale"))
    sale_receipt = models.CharField(_("receipt of the sale"), max_length=200)
    asked = models.JSONField(db_default={})  # lines and amount as they were asked for
    amount = models.BigIntegerField(_("given back"), db_default=0)  # minor units
    state = models.CharField(_("state"), max_length=10, choices=State)
    refusal = models.CharField(_("why not"), max_length=300, db_default="", blank=True)
    happened_at = models.DateTimeField(_("happened at"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    actor = models.CharField(_("by"), max_length=60, db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReturnQuerySet.as_manager()

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.CheckConstraint(
                name="return_is_refused_with_words",
                condition=(Q(state="refused") & ~Q(refusal="")) | (~Q(state="refused") & Q(refusal="")),
            ),
            models.UniqueConstraint(name="return_once_per_receipt", fields=["member", "store", "receipt"]),
            models.CheckConstraint(name="return_gives_back_money", condition=Q(amount__gte=0)),
            models.CheckConstraint(name="return_has_its_sale", condition=Q(state="waiting") | Q(sale__isnull=False)),
            models.CheckConstraint(
                name="return_is_cancelled_at",
                condition=Q(state="cancelled", cancelled_at__isnull=False)
                | Q(~Q(state="cancelled"), cancelled_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="return_by_member", fields=["member", "happened_at"]),
            models.Index(name="return_waiting", fields=["id"], condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.receipt}"


class ReturnLine(models.Model):
    """How much of one line came back."""

    goods_return = models.ForeignKey(Return, models.PROTECT, related_name="lines", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False)
    line = models.ForeignKey(SaleLine, models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField(_("quantity"))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.UniqueConstraint(name="return_line_once", fields=["goods_return", "line", "member"]),
            models.CheckConstraint(name="return_line_counts_up", condition=Q(quantity__gte=1, amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} x{self.quantity}"
