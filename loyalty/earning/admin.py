"""The staff's door to the reasons behind a sale's points."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from loyalty.earning.models import Award
from loyalty.earning.rules import words_of_award
from members.kit.admin import ReadMixin
from members.kit.names import named
from members.purchases import admin as purchases
from members.purchases.models import Sale


class AwardInline(ReadMixin, TabularInline):
    """Why this sale earned what it earned."""

    model = Award
    verbose_name_plural = _("awards")
    fields = readonly_fields = ("rule", "gave", "why")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("version__rule", "version__kind", "sale")

    @display(description=_("rule"))
    def rule(self, award: Award) -> str:
        return f"{named(award.version.rule)} v{award.version.number}"

    @display(description=_("points"))
    def gave(self, award: Award) -> str:
        return f"{award.points:,} {named(award.version.kind)}"

    @display(description=_("why"))
    def why(self, award: Award) -> str:
        return words_of_award(award)


admin.site.unregister(Sale)


@admin.register(Sale)
class SaleDesk(purchases.SaleDesk):
    """Sales with the awards they brought."""

    inlines = (purchases.LineInline, AwardInline)
