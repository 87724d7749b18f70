"""The staff's door to earning rules."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import VersionInPast
from members.kit.admin import Kept, ReadMixin, ScopeMixin
from members.kit.money import format_money, minor_units
from members.kit.names import named
from members.kit.refusals import Refusal
from members.stores.models import User

SAID = (
    "valid_from", "is_on", "kind", "points", "per_amount", "rounding", "uses_tier_multiplier", "pending_days",
    "expires_after_months",
)  # fmt: skip


class VersionForm(forms.ModelForm[RuleVersion]):
    """What a rule says from a moment on; money as people write it."""

    spent = forms.CharField(
        label=_("for each (money spent)"),
        initial="1",
        widget=UnfoldAdminTextInputWidget,
        help_text=_("For example 1 or 12.50"),
    )

    class Meta:
        model = RuleVersion
        fields = [name for name in SAID if name != "per_amount"]

    def clean_spent(self) -> int:
        try:
            amount = minor_units(self.cleaned_data["spent"], currency=settings.SHOP_CURRENCY)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None
        if amount < 1:
            raise forms.ValidationError(_("Give an amount above zero."), code="zero")
        self.instance.per_amount = amount
        return amount


class VersionFormSet(forms.BaseInlineFormSet[RuleVersion, EarningRule, VersionForm]):
    """One new version at a time, after those that stand."""

    def clean(self) -> None:
        super().clean()
        new = [form for form in self.extra_forms if form.has_changed() and form.is_valid()]
        last = self.instance.versions.order_by("-number").first() if self.instance.pk else None
        if new and last is not None and new[0].cleaned_data["valid_from"] < last.valid_from:
            since = f"{timezone.localtime(last.valid_from):%Y-%m-%d %H:%M}"
            raise forms.ValidationError(str(VersionInPast(since=since)), code=VersionInPast.code)


class NewVersionInline(ScopeMixin, StackedInline):
    """Room for the next version. A change is a new version; old sales keep theirs."""

    model = RuleVersion
    form = VersionForm
    formset = VersionFormSet
    verbose_name = _("new version")
    verbose_name_plural = _("say something else from a moment on")
    extra = 0
    max_num = 1
    can_delete = False
    fields = (
        ("valid_from", "is_on"), ("kind", "points", "spent"), ("rounding", "uses_tier_multiplier"),
        ("pending_days", "expires_after_months"),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleVersion]:
        return RuleVersion.objects.none()


class VersionInline(ReadMixin, TabularInline):
    """What the rule says and said."""

    model = RuleVersion
    verbose_name_plural = _("versions")
    ordering = ("-number",)
    fields = readonly_fields = (
        "number", "valid_from", "is_on", "says", "rounding", "uses_tier_multiplier", "pending_days",
        "expires_after_months",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleVersion]:
        versions: QuerySet[RuleVersion] = super().get_queryset(request)
        return versions.select_related("kind")

    @display(description=_("says"))
    def says(self, version: RuleVersion) -> str:
        return words_of(version)


def words_of(version: RuleVersion) -> str:
    """1 point for each ¥1.00."""
    return _("%(points)s %(kind)s for each %(amount)s") % {
        "points": version.points,
        "kind": named(version.kind),
        "amount": format_money(version.per_amount),
    }


@admin.register(EarningRule)
class EarningRuleDesk(Kept):
    list_display = ("code", "name_zh", "name_en", "says")
    inlines = (VersionInline, NewVersionInline)
    fields = ("code", "name_zh", "name_en")
    ordering = ("code",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("versions__kind")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()

    @display(description=_("says now"))
    def says(self, rule: EarningRule) -> Any:
        now = timezone.now()
        in_force = [version for version in rule.versions.all() if version.valid_from <= now]
        version = max(in_force, key=lambda each: (each.valid_from, each.number), default=None)
        if version is None or not version.is_on:
            return _("nothing: it is off")
        return words_of(version)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """New versions go through the verb, which numbers them."""
        formset.save(commit=False)
        if not isinstance(formset, VersionFormSet):
            return
        for version in formset.new_objects:
            says = {name: getattr(version, name) for name in SAID}
            change_rule(rule=form.instance, now=version.valid_from, by=cast(User, request.user), **says)
