"""What segments may ask of purchases: how much, how often, when, what, where, and what came back."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Avg, Count, F, Max, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from members.kit.measures import of_count, of_deed, of_first, of_last, of_many, of_sum
from members.kit.passes import Rows
from members.kit.traits import IN_LAST_DAYS, Asking, Deed, Group, Kind, Parameter, Trait, register, register_deed
from members.purchases.models import Channel, Product, Return, Sale, SaleLine, Tender
from members.stores.models import Store
from members.stores.traits import store_choices

BUYING = Group("buying", _("Purchases"), 40)
GOODS = Group("goods", _("What they buy"), 50)
SOLD_AT = "sale__happened_at"


def named_values(column: str) -> list[tuple[str, str]]:
    """The categories or brands of the products there are."""
    found = Product.objects.exclude(**{column: ""}).order_by(column).values_list(column, flat=True).distinct()
    return [(each, each) for each in found]


def categories() -> list[tuple[str, str]]:
    return named_values("category")


def brands() -> list[tuple[str, str]]:
    return named_values("brand")


def tenders() -> list[tuple[str, Any]]:
    return list(Tender.choices)


def channels() -> list[tuple[str, Any]]:
    return list(Channel.choices)


STORE = Parameter("store", _("store"), store_choices)
CHANNEL = Parameter("channel", _("channel"), channels)
TENDER = Parameter("tender", _("paid with"), tenders)
CATEGORY = Parameter("category", _("category"), categories)
BRAND = Parameter("brand", _("brand"), brands)
PRODUCT = Parameter("product", _("SKU"), is_text=True)
OF_SALES = (IN_LAST_DAYS, STORE, CHANNEL, TENDER)
OF_GOODS = (IN_LAST_DAYS, CATEGORY, BRAND, PRODUCT, STORE)
SALE_PATHS = {"store": "store", "channel": "channel", "tender": "tender"}
GOODS_PATHS = {
    "category": "product__category", "brand": "product__brand", "product": "sku", "store": "sale__store",
}  # fmt: skip


def narrowed(paths: Mapping[str, str], said: Mapping[str, Any]) -> Q:
    """What the parameters ask of a row."""
    asked = {f"{path}__in": said[code] for code, path in paths.items() if code in said}
    if "store" in said:
        asked[f"{paths['store']}__in"] = Store.objects.filter(code__in=said["store"])
    return Q(**asked)


sales = Rows(Sale.objects.all, lambda said: narrowed(SALE_PATHS, said))


def kept_lines() -> QuerySet[SaleLine]:
    """Lines of which something was kept."""
    return SaleLine.objects.filter(quantity__gt=F("returned_quantity"))


lines = Rows(kept_lines, lambda said: narrowed(GOODS_PATHS, said))


def returns(said: Mapping[str, Any], _asking: Asking) -> QuerySet[Return]:
    """Goods that came back."""
    return Return.objects.filter(narrowed({"store": "store"}, said), state=Return.State.DONE)


KEPT = Sum(F("amount") - F("returned_amount"))

register(
    Trait("spend", BUYING, _("spend"), Kind.MONEY, of_sum(sales, KEPT), parameters=OF_SALES),
    Trait("purchases", BUYING, _("number of purchases"), Kind.NUMBER, of_count(sales), parameters=OF_SALES),
    Trait(
        "average_purchase",
        BUYING,
        _("average purchase"),
        Kind.MONEY,
        of_sum(sales, Avg("amount"), has_zero=False),
        parameters=OF_SALES,
    ),
    Trait(
        "largest_purchase",
        BUYING,
        _("largest purchase"),
        Kind.MONEY,
        of_sum(sales, Max("amount"), has_zero=False),
        parameters=OF_SALES,
    ),
    Trait(
        "discounts", BUYING, _("discounts received"), Kind.MONEY, of_sum(sales, Sum("discount")), parameters=OF_SALES
    ),
    Trait("last_visit", BUYING, _("last purchase"), Kind.MOMENT, of_last(sales), parameters=(STORE, CHANNEL, TENDER)),
    Trait("first_visit", BUYING, _("first purchase"), Kind.MOMENT, of_first(sales), parameters=(STORE, CHANNEL)),
    Trait(
        "stores_visited",
        BUYING,
        _("stores where they bought"),
        Kind.MANY,
        of_many(sales, "store__code", "happened_at"),
        store_choices,
        (IN_LAST_DAYS,),
    ),
    Trait(
        "number_of_stores",
        BUYING,
        _("number of stores where they bought"),
        Kind.NUMBER,
        of_count(sales, of="store", distinct=True),
        parameters=(IN_LAST_DAYS,),
    ),
    Trait(
        "tenders",
        BUYING,
        _("ways they paid"),
        Kind.MANY,
        of_many(sales, "tender", "happened_at"),
        tenders,
        (IN_LAST_DAYS,),
    ),
    Trait(
        "channels",
        BUYING,
        _("channels where they bought"),
        Kind.MANY,
        of_many(sales, "channel", "happened_at"),
        channels,
        (IN_LAST_DAYS,),
    ),
    Trait("bought", BUYING, _("has bought something"), Kind.YES_NO, of_deed(sales), parameters=OF_SALES),
    Trait(
        "returned",
        BUYING,
        _("has brought something back"),
        Kind.YES_NO,
        of_deed(returns),
        parameters=(IN_LAST_DAYS, STORE),
    ),
    Trait("returns", BUYING, _("number of returns"), Kind.NUMBER, of_count(returns), parameters=(IN_LAST_DAYS, STORE)),
    Trait(
        "given_back",
        BUYING,
        _("given back for returns"),
        Kind.MONEY,
        of_sum(returns, Sum("amount")),
        parameters=(IN_LAST_DAYS, STORE),
    ),
    Trait(
        "categories",
        GOODS,
        _("categories they bought"),
        Kind.MANY,
        of_many(lines, "product__category", SOLD_AT),
        categories,
        (IN_LAST_DAYS, STORE),
    ),
    Trait(
        "brands",
        GOODS,
        _("brands they bought"),
        Kind.MANY,
        of_many(lines, "product__brand", SOLD_AT),
        brands,
        (IN_LAST_DAYS, STORE),
    ),
    Trait(
        "products",
        GOODS,
        _("products they bought (SKU)"),
        Kind.MANY,
        of_many(lines, "sku", SOLD_AT),
        None,
        (IN_LAST_DAYS, STORE),
    ),
    Trait("goods_spend", GOODS, _("spend on goods"), Kind.MONEY, of_sum(lines, KEPT, SOLD_AT), parameters=OF_GOODS),
    Trait(
        "items",
        GOODS,
        _("pieces bought"),
        Kind.NUMBER,
        of_sum(lines, Sum(F("quantity") - F("returned_quantity")), SOLD_AT),
        parameters=OF_GOODS,
    ),
    Trait(
        "bought_last", GOODS, _("last time they bought"), Kind.MOMENT, of_last(lines, SOLD_AT), parameters=OF_GOODS[1:]
    ),
    Trait(
        "number_of_categories",
        GOODS,
        _("number of categories they bought"),
        Kind.NUMBER,
        of_sum(lines, Count("product__category", distinct=True), SOLD_AT),
        parameters=(IN_LAST_DAYS,),
    ),
)
register_deed(
    Deed("bought", BUYING, _("bought something"), sales, parameters=(STORE, CHANNEL, TENDER)),
    Deed("bought_goods", GOODS, _("bought goods"), lines, SOLD_AT, (CATEGORY, BRAND, PRODUCT, STORE)),
    Deed("returned", BUYING, _("brought something back"), returns, parameters=(STORE,)),
)
