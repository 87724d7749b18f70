"""The staff's door to goals."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from members.goals.actions import keep_goal
from members.goals.models import Goal
from members.goals.panels import goal_panel, trend
from members.goals.rules import check_goal
from members.kit.admin import Kept, stores_seen
from members.kit.names import named
from members.kit.refusals import Refusal
from members.stores.models import User


class GoalForm(forms.ModelForm[Goal]):
    """A goal, checked as the verb checks it; who sees some stores sets goals for one of them."""

    needs_store = False

    class Meta:
        model = Goal
        fields = ("name", "kind", "store", "target", "starts_on", "ends_on", "owner")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if self.needs_store and not said.get("store"):
            raise ValidationError({"store": _("Choose one of your stores.")})
        wanted = ("kind", "target", "starts_on", "ends_on")
        if all(said.get(name) is not None for name in wanted):
            try:
                check_goal(**{name: said[name] for name in wanted})
            except Refusal as refusal:
                raise ValidationError(str(refusal), code=refusal.code) from refusal
        return said


@admin.register(Goal)
class GoalDesk(Kept):
    """Goals with how far they are; a goal's page shows the way it came."""

    nothing_yet = _("Say what the shop wants to reach with its members, by when, and who answers for it.")
    form = GoalForm
    store_path = "store"
    list_display: Any = ("name", "kind", "store_shown", "so_far", "way", "state", "ends_on", "owner_name")
    list_filter = ("kind",)
    list_select_related = ("store", "owner")
    sortable_by: Any = ("ends_on",)
    ordering = ("-ends_on", "-pk")
    fields = ("name", "kind", "store", "target", "starts_on", "ends_on", "owner")
    change_form_outer_before_template = "admin/goal.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.needs_store = stores_seen(request) is not None
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        today = timezone.localdate()
        said: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"starts_on": today, "owner": request.user.pk} | said

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Owners are staff, called by their names; of some stores for those who see some."""
        if db_field.name == "owner":
            people = User.objects.filter(is_staff=True, is_active=True).order_by("username")
            stores = stores_seen(request)
            kwargs["queryset"] = people if stores is None else people.filter(posts__store__in=stores).distinct()
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "owner" and field is not None:
            field.label_from_instance = called
        return field

    def save_model(self, request: HttpRequest, obj: Goal, form: Any, change: bool) -> None:
        keep_goal(goal=obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        goal = self.get_object(request, object_id) if self.has_view_or_change_permission(request) else None
        now = timezone.now()
        context = dict(extra_context or {})
        if goal:
            context |= {"panel": goal_panel(goal, now), "chart": trend(goal, now)}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    @display(description=_("store"))
    def store_shown(self, goal: Goal) -> str:
        return named(goal.store) if goal.store else str(_("all stores"))

    @display(description=_("so far"))
    def so_far(self, goal: Goal) -> str:
        panel = panel_of(goal)
        return f"{panel['value']} / {panel['target']}"

    @display(description=_("of the way"))
    def way(self, goal: Goal) -> str:
        percent = panel_of(goal)["progress"].percent
        return format_html(
            '<div class="bar slim" role="progressbar" aria-valuenow="{}" aria-valuemin="0" aria-valuemax="100">'
            '<span style="width: {}%"></span></div>',
            percent,
            percent,
        )

    @display(description=_("state"))
    def state(self, goal: Goal) -> str:
        panel = panel_of(goal)
        return format_html('<span class="nobreak {}">{}</span>', panel["tone"], panel["state"])

    @display(description=_("owner"))
    def owner_name(self, goal: Goal) -> str:
        return called(goal.owner)


def panel_of(goal: Goal) -> dict[str, Any]:
    """How far a goal of the list is, measured once a row."""
    known: dict[str, Any] | None = getattr(goal, "panel", None)
    if known is None:
        known = goal.panel = goal_panel(goal, timezone.now())  # type: ignore[attr-defined]
    return known


def called(user: User) -> str:
    """A person of the staff by name."""
    return user.get_full_name() or user.username
