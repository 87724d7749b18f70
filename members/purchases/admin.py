"""The staff's door to sales and products."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from members.kit.admin import Kept, ReadMixin, Records
from members.kit.money import format_money
from members.kit.names import named
from members.profiles.admin import OfMemberMixin
from members.purchases.models import Product, Sale, SaleLine
from members.stores.admin import StoreFilter


@admin.register(Product)
class ProductDesk(Kept):
    nothing_yet = _("Products are known from the first sale in which they stand.")
    list_display = ("sku", "name", "category", "brand")
    list_filter = ("category",)
    search_fields = ("^sku", "^name")
    ordering = ("sku",)


class LineInline(ReadMixin, TabularInline):
    model = SaleLine
    fields = readonly_fields = ("name", "sku", "quantity", "paid", "off")
    ordering = ("position",)

    @display(description=_("amount"))
    def paid(self, line: SaleLine) -> str:
        return format_money(line.amount)

    @display(description=_("discount"))
    def off(self, line: SaleLine) -> str:
        return format_money(line.discount) if line.discount else "—"


@admin.register(Sale)
class SaleDesk(OfMemberMixin, Records):
    """What the tills told us; nobody edits it here."""

    store_path = "store"
    list_display: Any = ("happened_at", "paid", "member_shown", "store_name", "tender", "receipt")
    list_filter: Any = (("store", StoreFilter), "tender")
    list_select_related = ("member", "store")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = (
        "happened_at", "paid", "off", "tender", "receipt", "member_link", "store_name", "till_name",
    )  # fmt: skip
    inlines: Any = (LineInline,)

    @display(description=_("amount paid"))
    def paid(self, sale: Sale) -> str:
        return format_money(sale.amount, sale.currency)

    @display(description=_("discount"))
    def off(self, sale: Sale) -> str:
        return format_money(sale.discount, sale.currency) if sale.discount else "—"

    @display(description=_("store"))
    def store_name(self, sale: Sale) -> str:
        return named(sale.store)

    @display(description=_("till"))
    def till_name(self, sale: Sale) -> str:
        return sale.till.name if sale.till else "—"
