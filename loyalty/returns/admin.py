"""The staff's door to returns: from the sale's page, first what it would do, then the doing."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from loyalty.reasons import admin as reasons
from loyalty.returns.actions import Counter, cancel_return, preview_return, record_return
from loyalty.returns.rules import LineAsked, Outcome, ReturnAsked
from loyalty.tiers.models import Tier
from members.kit.admin import Records
from members.kit.money import format_money, minor_units
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.admin import OfMemberMixin
from members.purchases.models import Return, Sale
from members.stores.admin import StoreFilter
from members.stores.models import User

TAKES_BACK = "members.add_return"
UNDOES = "members.change_return"
LABELS = {"done": "success", "waiting": "warning", "cancelled": "info", "refused": "danger"}


class TakeBackForm(forms.Form):
    """How many pieces of each line come back; for a sale without lines, how much money."""

    receipt = forms.CharField(widget=forms.HiddenInput, max_length=200)
    token = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sale = sale
        self.bought = list(sale.lines.order_by("position"))
        for line in self.bought:
            left = line.quantity - line.returned_quantity
            self.fields[f"line_{line.position}"] = forms.IntegerField(
                min_value=0, max_value=left, required=False, disabled=left == 0, label=line.name or line.sku
            )
        if not self.bought:
            self.fields["amount"] = forms.CharField(label=_("money given back"), help_text=_("For example 12.50"))

    def clean_amount(self) -> int:
        try:
            return minor_units(self.cleaned_data["amount"], currency=self.sale.currency)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None

    def rows(self) -> list[dict[str, Any]]:
        """Each line beside its field, for the page."""
        return [
            {"line": line, "left": line.quantity - line.returned_quantity, "field": self[f"line_{line.position}"]}
            for line in self.bought
        ]

    def asked(self) -> ReturnAsked:
        """What comes back, as the verb takes it."""
        said = self.cleaned_data
        lines = [
            LineAsked(line.position, said[f"line_{line.position}"])
            for line in self.bought
            if said.get(f"line_{line.position}")
        ]
        now = timezone.now()
        return ReturnAsked(said["receipt"], self.sale.receipt, now, lines, said.get("amount"))


admin.site.unregister(Sale)


@admin.register(Sale)
class SaleDesk(reasons.SaleDesk):
    """Sales, with a button by which goods come back."""

    nothing_yet = _("Sales come from tills by the API, or from a file.")
    actions_detail = ("take_back",)
    change_form_outer_before_template = "admin/sale_doors.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = (extra_context or {}) | {"takes_back": self.has_take_back_permission(request)}
        return super().change_view(request, object_id, form_url, context)

    @action(
        description=_("Take goods back"), url_path="take-back", permissions=("take_back",), attrs={"id": "take-back"}
    )
    def take_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask what comes back, show what that does, then do it: one page, three steps."""
        sale = self.sale_of(request, object_id)
        fresh = {"receipt": f"{sale.receipt[:180]}-R{get_random_string(6)}"}
        form = TakeBackForm(request.POST or None, sale=sale, initial=fresh)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Take goods back"),
            "sale": sale,
            "form": form,
            "opts": self.model._meta,
        }
        if request.method == "POST" and form.is_valid():
            done = self.step(request, form, context)
            if done:
                return redirect("admin:members_sale_change", sale.pk)
        return render(request, "admin/take_back.html", context)

    def has_take_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return cast(User, request.user).has_perm(TAKES_BACK)

    def sale_of(self, request: HttpRequest, number: int) -> Sale:
        """The sale, if the reader may see it and take goods back."""
        if not self.has_view_permission(request) or not self.has_take_back_permission(request):
            raise PermissionDenied
        sale = self.get_queryset(request).select_related("member", "store").filter(pk=number).first()
        if sale is None:
            raise Http404
        return cast(Sale, sale)

    def step(self, request: HttpRequest, form: TakeBackForm, context: dict[str, Any]) -> bool:
        """Preview, or do what was previewed; whether it is done. A refusal shows on the page."""
        sale, asked, now = form.sale, form.asked(), timezone.now()
        at = Counter(sale.store, sale.store, actor=f"user:{request.user.pk}")
        try:
            if "confirm" in request.POST:
                token = form.cleaned_data["token"]
                record_return(member=sale.member, at=at, asked=asked, now=now, token=token)
                self.message_user(request, _("The goods are back, and the points with them."), messages.SUCCESS)
                return True
            made = context["made"] = preview_return(member=sale.member, at=at, asked=asked, now=now)
            context["fall"] = fall_of(made.outcome)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        return False


def fall_of(outcome: Outcome | None) -> tuple[str, str] | None:
    """The names of the tier before and after, where it changes."""
    if outcome is None or outcome.tier_before == outcome.tier_after:
        return None
    names = {tier.code: named(tier) for tier in Tier.objects.order_by("ladder__position", "pk")[::-1]}
    return names.get(outcome.tier_before or "", "—"), names.get(outcome.tier_after or "", "—")


@admin.register(Return)
class ReturnDesk(OfMemberMixin, Records):
    """What came back; one that was a mistake is cancelled, and one that waits shows that it does."""

    nothing_yet = _("Goods come back from the page of their sale, or from a till. They are listed here.")
    store_path = "store"
    list_display = ("happened_at", "given_back", "member_shown", "store_name", "condition", "sale_receipt")
    list_filter = (("store", StoreFilter), "state")
    list_select_related = ("member", "store")
    ordering = ("-happened_at", "-pk")
    fields = readonly_fields = (
        "happened_at", "given_back", "condition_said", "receipt", "sale_link", "member_link", "what", "points_back",
        "actor",
    )  # fmt: skip
    actions_detail = ("undo",)

    @display(description=_("given back"))
    def given_back(self, made: Return) -> str:
        return format_money(made.amount)

    @display(description=_("state"), label=LABELS)
    def condition(self, made: Return) -> tuple[str, str]:
        return made.state, made.get_state_display()

    @display(description=_("state"))
    def condition_said(self, made: Return) -> str:
        state = made.get_state_display()
        return _("%(state)s: %(why)s") % {"state": state, "why": made.refusal} if made.refusal else state

    @display(description=_("store"))
    def store_name(self, made: Return) -> str:
        return named(made.store)

    @display(description=_("sale"))
    def sale_link(self, made: Return) -> str:
        return made.sale_receipt

    @display(description=_("goods"))
    def what(self, made: Return) -> str:
        lines = made.lines.select_related("line").order_by("line__position")
        return ", ".join(f"{each.line.name or each.line.sku} x{each.quantity}" for each in lines) or "—"

    @display(description=_("points taken back"))
    def points_back(self, made: Return) -> str:
        rows = made.taken.select_related("award__version__rule", "award__version__kind").order_by("award_id")
        return (
            ", ".join(
                f"{named(each.award.version.rule)}: {each.taken:,} {named(each.award.version.kind)}" for each in rows
            )
            or "—"
        )

    def get_urls(self) -> list[URLPattern]:
        undo = self.admin_site.admin_view(require_POST(self.undo_now))
        return [path("<int:number>/undo-now/", undo, name="return_undo_now"), *super().get_urls()]

    @action(description=_("Cancel this return"), url_path="undo", permissions=("undo",))
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask once: points move when it is done."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Cancel this return"),
            "made": self.one(request, object_id),
            "opts": self.model._meta,
            "undo_url": reverse("admin:return_undo_now", args=[object_id]),
        }
        return render(request, "admin/undo_return.html", context)

    def undo_now(self, request: HttpRequest, number: int) -> HttpResponse:
        """Cancel it, or say why not."""
        made = self.one(request, number)
        try:
            cancel_return(goods_return=made, now=timezone.now(), actor=f"user:{request.user.pk}")
            self.message_user(request, _("Cancelled: everything is as before the return."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:members_return_change", number)

    def has_undo_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return cast(User, request.user).has_perm(UNDOES)

    def one(self, request: HttpRequest, number: int) -> Return:
        """The return, if the reader may see and cancel it."""
        if not self.has_view_permission(request) or not self.has_undo_permission(request):
            raise PermissionDenied
        made = self.get_queryset(request).filter(pk=number).first()
        if made is None:
            raise Http404
        return cast(Return, made)
