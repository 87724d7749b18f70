"""The staff's door to what is said in versions, and to earning rules: the linter, a new version, a preset."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.drafting.actions import keep_draft, multiply_points, version_of
from loyalty.drafting.forms import PresetForm, SayingForm, VersionForm
from loyalty.ledger.models import PointKind
from loyalty.rulebook.actions import change_rule, drafted, findings, names_of
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.rulebook.rules import Finding, Names, version_at, words_of_trigger, words_of_version
from members.kit.admin import Kept
from members.kit.names import named
from members.kit.refusals import Refusal
from members.stores.models import User


@dataclass(frozen=True, slots=True)
class Sayings:
    """What a desk needs of things whose saying stands in versions: their form, verbs and words."""

    link: str  # from a version to its thing
    form: type[SayingForm]
    version: type[Any]
    change: Callable[..., Any]  # says something else by a new version
    keep: Callable[..., Any]  # keeps a draft
    read: Callable[..., Any]  # a draft as a version
    drafted: Callable[[Any], Any]
    findings: Callable[..., list[Finding]]
    words: Callable[[Any, Names], str]
    say_page: str
    try_page: str  # where a draft is tried on past sales


class SayingDesk(Kept):
    """Things in sentences. What one says changes by a new version, which is shown before it stands."""

    sayings: ClassVar[Sayings]
    leads_to: ClassVar[tuple[str, ...]] = ("budget", "created_by")  # from a version, to be read with it
    search_fields: Any = ("code", "name_zh", "name_en")
    ordering: Any = ("code",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = (extra_context or {}) | {"may_change": self.has_change_permission(request)}
        if self.has_view_permission(request):
            context["findings"] = self.found()
        return cast(HttpResponse, super().changelist_view(request, context))

    def found(self) -> list[dict[str, Any]]:
        """What the linter says of those in force, each with its thing."""
        found = self.sayings.findings(at=timezone.now())
        things = self.model._default_manager.in_bulk({each.rule for each in found}, field_name="code")
        return [
            {"thing": things[each.rule], "url": self.page_of(things[each.rule]), "words": each.words} for each in found
        ]

    def page_of(self, thing: Any) -> str:
        """The address of a thing's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[thing.pk])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = (extra_context or {}) | (self.facts(request, found) if found is not None else {})
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def facts(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """What the page of a thing shows beside its fields."""
        may_change = self.has_change_permission(request, thing)
        return {"thing": thing, "versions": self.versions_of(thing), "may_change": may_change, "title": named(thing)}

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """A thing without a version does nothing, so that comes next."""
        return redirect(f"admin:{self.sayings.say_page}", obj.pk)

    @display(description=_("name"))
    def name(self, thing: Any) -> str:
        return named(thing)

    @display(description=_("says now"))
    def says(self, thing: Any) -> Any:
        version = self.version_shown(thing)
        if version is None or not version.is_on:
            return _("nothing: it is off")
        return format_html('<span class="says">{}</span>', self.sayings.words(version, names_of([version])))

    def version_shown(self, thing: Any) -> Any:
        """What a thing says now; its versions are there already."""
        return version_at(thing.versions.all(), timezone.now())

    def versions_of(self, thing: Any) -> list[dict[str, Any]]:
        """Each version in a sentence, the newest first."""
        versions = list(thing.versions.select_related(*self.leads_to).order_by("-number"))
        names, now = names_of(versions), version_at(versions, timezone.now())
        return [
            {
                "version": version,
                "words": self.sayings.words(version, names),
                "is_now": now is not None and version.pk == now.pk,
            }
            for version in versions
        ]

    def say(self, request: HttpRequest, number: int) -> HttpResponse:
        """A new version: typed (or begun from a draft), shown in words, confirmed; or kept as a draft to be tried."""
        thing = self.one(request, number)
        said = request.POST if request.method == "POST" else None
        last, start = thing.versions.order_by("-number").first(), self.begun(request, thing)
        about: dict[str, Any] = {self.sayings.link: thing}
        form = cast(Any, self.sayings.form)(said, last=last, start=start, **about)
        if form.is_bound and form.is_valid():
            if "try" in request.POST:
                draft = self.sayings.keep(by=cast(User, request.user), **about, **form.said)
                return redirect(f"admin:{self.sayings.try_page}", draft.pk)
            if form.is_confirmed and self.keep(request, form, thing):
                return redirect(self.page_of(thing))
        title = _("%(rule)s: a new version") % {"rule": named(thing)}
        shown = self.preview(form, thing, last) if form.said else {}
        return self.page(
            request, "admin/say.html", {"form": form, "title": title, "back_url": self.page_of(thing), **shown}
        )

    def one(self, request: HttpRequest, number: int) -> Any:
        """The thing, if the reader may change it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        found = self.model._default_manager.filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def begun(self, request: HttpRequest, thing: Any) -> Any:
        """What the draft says with which the page is to begin."""
        number = request.GET.get("draft", "")
        draft = thing.drafts.filter(pk=int(number)).first() if number.isdecimal() else None
        if draft is None:
            return None
        try:
            return self.sayings.read(draft, at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return None

    def keep(self, request: HttpRequest, form: SayingForm, thing: Any) -> bool:
        """Keep what was confirmed; a refusal that only the verb could find stands at its field."""
        about: dict[str, Any] = {self.sayings.link: thing}
        try:
            self.sayings.change(now=timezone.now(), by=cast(User, request.user), **about, **form.said)
        except Refusal as refusal:
            form.refuse(refusal)
            return False
        self.message_user(request, _("The new version stands. Sales of before keep theirs."), messages.SUCCESS)
        return True

    def preview(self, form: SayingForm, thing: Any, last: Any) -> dict[str, Any]:
        """What the form would keep, in words, with what the linter would then say of it."""
        if not form.is_valid():
            return {}
        says: dict[str, Any] = dict(form.said) | {self.sayings.link: thing}
        starts = says.pop("valid_from") or timezone.now()
        version = self.sayings.version(number=last.number + 1 if last else 1, valid_from=starts, **says)
        draft = self.sayings.drafted(version)
        return {
            "words": self.sayings.words(version, names_of([version])),
            "starts": starts,
            "is_late": form.said["valid_from"] is not None and starts < timezone.now(),
            "is_on": version.is_on,
            "warnings": [each for each in self.sayings.findings(at=starts, draft=draft) if each.rule == thing.code],
            **self.more_of(draft),
        }

    def more_of(self, draft: Any) -> dict[str, Any]:
        """What else a preview shows."""
        return {}

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page of this desk."""
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


@admin.register(EarningRule)
class EarningRuleDesk(SayingDesk):
    """Earning rules, with a preset."""

    nothing_yet = _("Rules say what a sale or an event earns. Add the first one, or begin with a preset.")
    sayings = Sayings(
        "rule", VersionForm, RuleVersion, change_rule, keep_draft, version_of, drafted, findings, words_of_version,
        "rule_say", "backtest_of",
    )  # fmt: skip
    leads_to = ("kind", "budget", "created_by")
    list_display: Any = ("name", "about", "says", "code")
    list_before_template = "admin/rules_lint.html"
    change_form_outer_after_template = "admin/rule_versions.html"
    fields = ("code", "name_zh", "name_en")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("versions__kind", "versions__budget")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("multiply/", view(self.multiply), name="rule_multiply"),
            path("<int:number>/say/", view(self.say), name="rule_say"),
        ]
        return [*ours, *super().get_urls()]

    @display(description=_("about"))
    def about(self, rule: EarningRule) -> str:
        version = self.version_shown(rule)
        return words_of_trigger(version.trigger) if version else "—"

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
