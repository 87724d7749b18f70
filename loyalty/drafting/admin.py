"""The staff's door to earning rules: what they say and said, the linter, a new version, a preset."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.drafting.actions import keep_draft, multiply_points, version_of
from loyalty.drafting.forms import PresetForm, VersionForm
from loyalty.drafting.models import RuleDraft
from loyalty.ledger.models import PointKind
from loyalty.rulebook.actions import change_rule, drafted, findings, names_of
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import words_of_trigger, words_of_version
from members.kit.admin import Kept
from members.kit.names import named
from members.kit.refusals import Refusal
from members.stores.models import User


@admin.register(EarningRule)
class EarningRuleDesk(Kept):
    """Rules in sentences. What a rule says changes by a new version, which is shown before it stands."""

    list_display: Any = ("name", "about", "says", "code")
    search_fields = ("code", "name_zh", "name_en")
    list_before_template = "admin/rules_lint.html"
    change_form_outer_after_template = "admin/rule_versions.html"
    fields = ("code", "name_zh", "name_en")
    ordering = ("code",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("versions__kind", "versions__budget")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("multiply/", view(self.multiply), name="rule_multiply"),
            path("<int:number>/say/", view(self.say), name="rule_say"),
        ]
        return [*ours, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = (extra_context or {}) | {"may_change": self.has_change_permission(request)}
        if self.has_view_permission(request):
            context["findings"] = shown_findings()
        return cast(HttpResponse, super().changelist_view(request, context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = extra_context or {}
        if found is not None:
            may_change = self.has_change_permission(request, found)
            context |= {"rule": found, "versions": versions_of(found), "may_change": may_change, "title": named(found)}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def response_add(
        self, request: HttpRequest, obj: EarningRule, post_url_continue: str | None = None
    ) -> HttpResponse:
        """A rule without a version gives nothing, so that comes next."""
        return redirect("admin:rule_say", obj.pk)

    @display(description=_("name"))
    def name(self, rule: EarningRule) -> str:
        return named(rule)

    @display(description=_("about"))
    def about(self, rule: EarningRule) -> str:
        version = in_force(rule)
        return words_of_trigger(version.trigger) if version else "—"

    @display(description=_("says now"))
    def says(self, rule: EarningRule) -> Any:
        version = in_force(rule)
        if version is None or not version.is_on:
            return _("nothing: it is off")
        return format_html('<span class="says">{}</span>', words_of_version(version, names_of([version])))

    def say(self, request: HttpRequest, number: int) -> HttpResponse:
        """A new version: typed (or begun from a draft), shown in words, confirmed; or kept as a draft to be tried."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        rule = EarningRule.objects.filter(pk=number).first()
        if rule is None:
            raise Http404
        last = rule.versions.order_by("-number").first()
        start = self.begun(request, rule)
        form = VersionForm(request.POST if request.method == "POST" else None, rule=rule, last=last, start=start)
        if form.is_bound and form.is_valid():
            if "try" in request.POST:
                return redirect("admin:backtest_of", keep_draft(rule=rule, by=cast(User, request.user), **form.said).pk)
            if form.is_confirmed and self.keep(request, form, rule):
                return redirect("admin:loyalty_earningrule_change", rule.pk)
        title = _("%(rule)s: a new version") % {"rule": named(rule)}
        context = {"form": form, "rule": rule, "title": title, **(preview_of(form, rule, last) if form.said else {})}
        return self.page(request, "admin/rule_say.html", context)

    def begun(self, request: HttpRequest, rule: EarningRule) -> RuleVersion | None:
        """What the draft says with which the page is to begin."""
        number = request.GET.get("draft", "")
        draft = RuleDraft.objects.filter(rule=rule, pk=int(number)).first() if number.isdecimal() else None
        if draft is None:
            return None
        try:
            return version_of(draft, at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return None

    def keep(self, request: HttpRequest, form: VersionForm, rule: EarningRule) -> bool:
        """Keep what was confirmed; a refusal that only the verb could find stands at its field."""
        try:
            change_rule(rule=rule, now=timezone.now(), by=cast(User, request.user), **form.said)
        except Refusal as refusal:
            form.refuse(refusal)
            return False
        self.message_user(request, _("The new version stands. Sales of before keep theirs."), messages.SUCCESS)
        return True

    def multiply(self, request: HttpRequest) -> HttpResponse:
        """More points for some days: rule, version and budget in one step."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PresetForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            said = dict(form.cleaned_data)
            try:
                kind = PointKind.objects.get(code="points")
                rule = multiply_points(kind=kind, now=timezone.now(), by=cast(User, request.user), **said)
            except Refusal as refusal:
                form.refuse(refusal)
            else:
                self.message_user(request, _("Rule and budget stand."), messages.SUCCESS)
                return redirect("admin:loyalty_earningrule_change", rule.pk)
        return self.page(request, "admin/rule_multiply.html", {"form": form, "title": _("Double points")})

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page of this desk."""
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


def in_force(rule: EarningRule) -> RuleVersion | None:
    """What the rule says now; its versions are there already."""
    now = timezone.now()
    begun = [version for version in rule.versions.all() if version.valid_from <= now]
    return max(begun, key=lambda each: (each.valid_from, each.number), default=None)


def versions_of(rule: EarningRule) -> list[dict[str, Any]]:
    """Each version in a sentence, the newest first."""
    versions = list(rule.versions.select_related("kind", "budget", "created_by").order_by("-number"))
    names, now = names_of(versions), in_force(rule)
    return [
        {
            "version": version,
            "words": words_of_version(version, names),
            "is_now": now is not None and version.pk == now.pk,
        }
        for version in versions
    ]


def preview_of(form: VersionForm, rule: EarningRule, last: RuleVersion | None) -> dict[str, Any]:
    """What the form would keep, in words, with what the linter would then say of the rule."""
    if not form.is_valid():
        return {}
    says = dict(form.said)
    starts = says.pop("valid_from") or timezone.now()
    version = RuleVersion(rule=rule, number=last.number + 1 if last else 1, valid_from=starts, **says)
    found = findings(at=starts, draft=drafted(version))
    return {
        "words": words_of_version(version, names_of([version])),
        "starts": starts,
        "is_late": form.said["valid_from"] is not None and starts < timezone.now(),
        "is_on": version.is_on,
        "warnings": [each for each in found if each.rule == rule.code],
    }


def shown_findings() -> list[dict[str, Any]]:
    """What the linter says of the rules in force, each with its rule."""
    found = findings(at=timezone.now())
    rules = EarningRule.objects.in_bulk({each.rule for each in found}, field_name="code")
    return [{"rule": rules[each.rule], "words": each.words} for each in found]
