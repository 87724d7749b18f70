"""The staff's door to sales and products."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from members.kit.admin import Kept, Records
from members.kit.money import format_money
from members.purchases.models import Product, Sale, SaleLine


@admin.register(Product)
class ProductDesk(Kept):
    list_display = ("sku", "name", "category", "brand")
    list_filter = ("category",)
    search_fields = ("^sku", "^name")
    ordering = ("sku",)


class LineInline(TabularInline):
    model = SaleLine
    fields = readonly_fields = ("position", "sku", "name", "quantity", "paid", "off")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("amount"))
    def paid(self, line: SaleLine) -> str:
        return format_money(line.amount, line.sale.currency)

    @display(description=_("discount"))
    def off(self, line: SaleLine) -> str:
        return format_money(line.discount, line.sale.currency) if line.discount else "—"


@admin.register(Sale)
class SaleDesk(Records):
    """What the tills told us; nobody edits it here."""

    store_path = "store"
    list_display: Any = ("happened_at", "paid", "member_shown", "store", "tender", "receipt")
    list_filter: Any = ("store", "tender")
    list_select_related = ("member", "store")
    search_fields = ("=receipt", "=member__number")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = (
        "happened_at", "paid", "off", "tender", "receipt", "member_shown", "store", "till",
    )  # fmt: skip
    inlines: Any = (LineInline,)

    @display(description=_("amount paid"), ordering="amount")
    def paid(self, sale: Sale) -> str:
        return format_money(sale.amount, sale.currency)

    @display(description=_("discount"))
    def off(self, sale: Sale) -> str:
        return format_money(sale.discount, sale.currency) if sale.discount else "—"

    @display(description=_("member"))
    def member_shown(self, sale: Sale) -> str:
        return f"{sale.member.name} {sale.member.number}".strip()
