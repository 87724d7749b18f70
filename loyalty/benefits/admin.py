"""The staff's door to what a tier asks for and gives, and the tiers on a member's page."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import BaseInlineFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline

from loyalty.benefits.actions import main_plan_of, plans_of
from loyalty.benefits.models import Benefit
from loyalty.benefits.rules import check_handing, check_value
from loyalty.grants.actions import protect
from loyalty.ledger.views import holdings_of
from loyalty.tiers import admin as tiers
from loyalty.tiers.models import Ladder, Need, Tier
from members.kit.admin import Kept
from members.kit.names import named
from members.kit.refusals import Refusal
from members.profiles.models import Member
from members.stores.models import User

HANDING = ("points", "points_days", "wait_days")


class BenefitFormSet(BaseInlineFormSet[Any, Any, Any]):
    """A benefit that needs a number has one, and what is handed out can be."""

    def clean(self) -> None:
        """Says what the rule says."""
        super().clean()
        for form in self.forms:
            said = getattr(form, "cleaned_data", None) or {}
            if said.get("kind") and not said.get("DELETE"):
                try:
                    check_value(kind=said["kind"], value=said.get("value"))
                    check_handing(kind=said["kind"], **{name: said.get(name) for name in HANDING})
                except Refusal as refusal:
                    raise ValidationError(str(refusal)) from refusal


class BenefitInline(TabularInline):
    """What the tier gives."""

    model = Benefit
    formset = BenefitFormSet
    extra = 0
    hide_title = True
    fields: Any = ("kind", "value", "words_zh", "words_en", *HANDING)


class NeedInline(TabularInline):
    """What the tier asks for besides."""

    model = Need
    extra = 0
    hide_title = True
    fields = ("basis", "kind", "segment", "threshold", "retention")


@admin.register(Tier)
class TierDesk(Kept):
    """One tier: what it asks for besides its threshold, what it gives, what it costs."""

    list_display = ("name_zh", "name_en", "ladder_name", "threshold", "retention", "multiplier")
    list_select_related = ("ladder",)
    ordering = ("ladder__position", "ladder", "threshold")
    fields = ("combines", "price", "price_points", "sold_months")
    inlines = (NeedInline, BenefitInline)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def ladder_name(self, tier: Tier) -> str:
        """The name that the reader reads."""
        return named(tier.ladder)

    ladder_name.short_description = _("ladder")  # type: ignore[attr-defined]


admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(tiers.MemberDesk):
    """A member's page with tiers, benefits and what is missing."""

    def facts_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        """With the way on the main ladder, and the plan on every ladder for those who may see it."""
        plans = plans_of(member, timezone.now())
        shown = plans if cast(User, request.user).has_perm("loyalty.view_standing") else []
        main = [plan.progress for plan in plans[:1]]
        return super().facts_of(request, member) | {"plans": shown, "progress": main[0] if main else None}

    def facts_for_card(self, member: Member) -> dict[str, Any]:
        """Points and tier, and what the tier gives."""
        now = timezone.now()
        return {"holdings": holdings_of(member, now), "plan": main_plan_of(member, now)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.protect))
        return [path("<int:number>/protect/", view, name="member_protect"), *super().get_urls()]

    def protect(self, request: HttpRequest, number: int) -> HttpResponse:
        """Protect the member's tier on a ladder, or lift that, with a reason."""
        user = cast(User, request.user)
        if not user.has_perm("loyalty.protect_standing"):
            raise PermissionDenied
        member = self.get_queryset(request).filter(pk=number).first()
        ladder = Ladder.objects.filter(pk=int(f"0{request.POST.get('ladder', '')}"[:9])).first()
        if member is None or ladder is None:
            raise Http404
        is_protected = request.POST.get("protect") == "1"
        reason = request.POST.get("reason", "")
        try:
            protect(
                member=member, ladder=ladder, is_protected=is_protected, reason=reason, actor=f"staff:{user.pk}",
                now=timezone.now(),
            )  # fmt: skip
            self.message_user(request, _("Saved."), messages.SUCCESS)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:members_member_change", number)
