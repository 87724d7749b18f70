"""Two views of what looks odd, for the page of `watch`; imported when the floor is ready."""

from django.utils.translation import gettext_lazy as _

from loyalty.returns.sql import MANY_RETURNS, SPENT_AND_RETURNED
from loyalty.watch.panels import View, plainly, register
from members.kit.money import format_money

register(
    View(
        code="many-returns",
        title=_("Many returns by one till or person"),
        about=_("At least %(return_least)s in %(days)s days, and %(return_times)s times what the others did."),
        columns=(_("taken back by"), _("in 7 days"), _("in the window"), _("others, on average"), _("given back")),
        statement=MANY_RETURNS,
        words=lambda row: [*plainly(row[:-1]), format_money(row[-1])],
        link="/admin/members/return/?actor__exact=%s",
    )
)
register(
    View(
        code="spent-and-returned",
        title=_("Goods came back soon after points were spent"),
        about=_("At most %(regret_hours)s hours apart, in %(days)s days; the points were spent after the sale."),
        columns=(_("when"), _("member"), _("member number"), _("spent"), _("given back"), _("hours")),
        statement=SPENT_AND_RETURNED,
        words=lambda row: [*plainly(row[:4]), format_money(row[4]), *plainly(row[5:])],
        link="/admin/members/return/%s/change/",
    )
)
