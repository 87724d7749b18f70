"""Kinds of fields in which staff type rules and budgets, and the form of a budget."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from loyalty.limits.models import Budget, Pool
from loyalty.limits.rules import BadBudget, BudgetTooSmall
from loyalty.rulebook.rules import BadMultiplier, read_list
from members.kit.money import LARGEST_AMOUNT, decimal_amount, format_money, minor_units
from members.kit.names import named
from members.kit.refusals import Refusal
from members.stores.models import Store


class Typed(forms.CharField):
    """A text that means something else: read when it comes, said when it is shown. Refusals stand at the field."""

    def __init__(self, read: Callable[[str], Any], say: Callable[[Any], str], **options: Any) -> None:
        super().__init__(**{"required": False, "widget": text_box(), **options})
        self.read, self.say = read, say

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text:
            return None
        try:
            return self.read(text)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else self.say(value)


def text_box(**attrs: str) -> forms.TextInput:
    """A box for a line of text."""
    return forms.TextInput(attrs={"class": "box", **attrs})


def text_area(rows: int) -> forms.Textarea:
    """A box for several lines."""
    return forms.Textarea(attrs={"class": "box", "rows": rows})


def listed(**options: Any) -> Typed:
    """Codes with commas between them."""
    return Typed(read_list, ", ".join, **options)


def money(**options: Any) -> Typed:
    """Money as people write it, kept in minor units."""
    return Typed(
        lambda text: minor_units(text, currency=settings.SHOP_CURRENCY),
        lambda units: f"{decimal_amount(units, currency=settings.SHOP_CURRENCY):f}",
        **{"widget": text_box(inputmode="decimal"), **options},
    )


def read_factor(text: str) -> int:
    """`2` or `1.5` as percent. Raises BadMultiplier for what is no number."""
    try:
        return round(float(text.replace("×", "").strip()) * 100)
    except (ValueError, OverflowError):
        raise BadMultiplier(percent=text[:20]) from None


def factor(**options: Any) -> Typed:
    """A multiplier as people say it: 2 doubles."""
    return Typed(
        read_factor, lambda percent: f"{percent / 100:g}", **{"widget": text_box(inputmode="decimal"), **options}
    )


def whole(low: int, high: int, **options: Any) -> forms.IntegerField:
    """A whole number within bounds, or nothing."""
    box = forms.NumberInput(attrs={"class": "box"})
    return forms.IntegerField(min_value=low, max_value=high, required=False, widget=box, **options)


def several(label: Any, choices: Any = (), **options: Any) -> forms.TypedMultipleChoiceField:
    """Ticks; none means all."""
    return forms.TypedMultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple, **options
    )


def chosen(label: Any, choices: Any, **options: Any) -> forms.ChoiceField:
    """One of a few."""
    box = forms.Select(attrs={"class": "box"})
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=box, **options)


def one_day(label: Any, **options: Any) -> forms.DateField:
    """A day, picked from the browser's own calendar."""
    box = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "box"})
    return forms.DateField(label=label, **{"required": False, "widget": box, **options})


def tick(label: Any, **options: Any) -> forms.BooleanField:
    """Yes or no."""
    return forms.BooleanField(label=label, required=False, **options)


def thing(queryset: Any, label: Any, **options: Any) -> Any:
    """One row, called by the name that the reader reads."""
    field: Any = forms.ModelChoiceField(queryset, label=label, widget=forms.Select(attrs={"class": "box"}), **options)
    field.label_from_instance = named
    return field


def names_with(rows: Any, also: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Codes with names, and codes that a rule names although nothing has them any more."""
    found = [(row.code, named(row)) for row in rows]
    return found + [(code, f"{code} ?") for code in also if code not in dict(found)]


class BudgetForm(forms.ModelForm[Budget]):
    """A budget with its total for the shop, and for each of the stores that the reader sees."""

    stores: Sequence[Store] = ()
    price = money(label=_("price of 1,000 points"), help_text=_("With a price the budget counts money, else points."))

    class Meta:
        model = Budget
        fields = ("code", "name_zh", "name_en", "is_for_prices")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        is_new = self.instance.pk is None
        self.pools = {} if is_new else {pool.store_id: pool for pool in self.instance.pools.with_used()}
        if not is_new:
            del self.fields["price"], self.fields["is_for_prices"]
        for store in (None, *self.stores):
            self.fields[self.name_of(store)] = self.total_of(store)

    @staticmethod
    def name_of(store: Store | None) -> str:
        """The field of a store's total; None is the whole shop."""
        return f"total_{store.pk if store else 'shop'}"

    def total_of(self, store: Store | None) -> Any:
        """The field in which a total stands, in the budget's own unit."""
        pool = self.pools.get(store.pk if store else None)
        label = _("total of %(store)s") % {"store": named(store)} if store else _("total of the shop")
        shown = None if pool is None else said_in(self.instance.counts_money, pool.total)
        return forms.CharField(
            label=label, required=store is None or pool is not None, initial=shown, widget=text_box(inputmode="decimal")
        )

    def clean(self) -> dict[str, Any]:
        """Totals are read in the budget's unit and held against what is used."""
        said = super().clean() or self.cleaned_data
        price = said.get("price") if "price" in self.fields else self.instance.price
        self.instance.price = price
        is_for_prices = said.get("is_for_prices", self.instance.is_for_prices)
        if price is not None and is_for_prices:
            self.add_error("price", _("A budget for prices counts money as it is."))
        self.totals = dict(self.read_totals(price is not None or is_for_prices))
        return said

    def read_totals(self, is_money: bool) -> Iterator[tuple[Store | None, int]]:
        """The totals that were changed."""
        for store in (None, *self.stores):
            name, pool = self.name_of(store), self.pools.get(store.pk if store else None)
            text = self.cleaned_data.get(name, "")
            if not text:
                continue
            try:
                total = read_total(text, is_money)
                if pool is not None and cast(Any, pool).used > total:
                    used = shown_in(is_money, cast(Any, pool).used)
                    raise BudgetTooSmall(used=used, total=shown_in(is_money, total))
            except Refusal as refusal:
                self.add_error(name, forms.ValidationError(str(refusal), code=refusal.code))
                continue
            if pool is None or pool.total != total:
                yield store, total


def read_total(text: str, is_money: bool) -> int:
    """A total as people type it: points, or money. Raises BadBudget or BadAmount."""
    if is_money:
        total = minor_units(text, currency=settings.SHOP_CURRENCY)
    else:
        plain = text.replace(",", "").replace("，", "")
        total = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 14 else 0
    if not 1 <= total <= LARGEST_AMOUNT:
        raise BadBudget(total=text[:40])
    return total


def said_in(is_money: bool, units: int) -> str:
    """A total as it is typed."""
    return f"{decimal_amount(units, currency=settings.SHOP_CURRENCY):f}" if is_money else f"{units}"


def shown_in(is_money: bool, units: int) -> str:
    """A total as it is read: points, or money."""
    return format_money(units) if is_money else f"{units:,}"


def share_of(pool: Pool) -> int:
    """How much of a pool is used, in percent."""
    return int(min(100, cast(Any, pool).used * 100 // pool.total))
