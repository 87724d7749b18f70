"""How the staff's pages look, and their side bar: what unfold reads as settings.UNFOLD."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PERSIMMON = {  # 600 is the accent of the house, 500 the same for dark pages
    "50": "#FEF7F2", "100": "#FDEEE4", "200": "#FBDCC8", "300": "#F9C3A0", "400": "#F7A878", "500": "#F59058",
    "600": "#C2410C", "700": "#9A3412", "800": "#7C2D12", "900": "#5C210E", "950": "#3A2417",
}  # fmt: skip
PAPER = {  # from paper to ink
    "50": "#FAF7F2", "100": "#F3EDE3", "200": "#E8E1D6", "300": "#D6CDBF", "400": "#A69C8E", "500": "#665D52",
    "600": "#4D463D", "700": "#383229", "800": "#2B261F", "900": "#211D18", "950": "#16130F",
}  # fmt: skip


def may(permission: str) -> Callable[[HttpRequest], bool]:
    """Whether the person at the page has the permission."""
    return lambda request: request.user.has_perm(permission)


def sees_all_figures(request: HttpRequest) -> bool:
    """Whether the person at the page may see the figures of all stores together."""
    user: Any = request.user
    return bool(user.has_perm("loyalty.see_figures") and (user.is_superuser or user.sees_all_stores))


def entry(title: Promise, model: str, icon: str) -> dict[str, Any]:
    """A line of the side bar: the list of a model, for those who may view it."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": may(f"{app}.view_{name}"),
    }


SIDEBAR = [
    {"items": [{"title": _("Today"), "icon": "today", "link": reverse_lazy("admin:index")}]},
    {
        "title": _("Members"),
        "items": [
            entry(_("Members"), "members.member", "group"),
            entry(_("Sales"), "members.sale", "receipt_long"),
            entry(_("Returns"), "members.return", "assignment_return"),
            entry(_("Notes and tasks"), "members.note", "sticky_note_2"),
            entry(_("Households"), "loyalty.seat", "family_restroom"),
            {
                **entry(_("Possible duplicates"), "loyalty.likeness", "people"),
                "badge": "loyalty.duplicates.panels.open_badge",
            },
            entry(_("Merges"), "loyalty.merge", "call_merge"),
            entry(_("Consents"), "members.consentchange", "fact_check"),
            entry(_("Looks at contacts"), "members.look", "visibility"),
            entry(_("Erasures"), "members.erasure", "person_remove"),
        ],
    },
    {
        "title": _("Points and tiers"),
        "items": [
            entry(_("Movements"), "loyalty.movement", "swap_vert"),
            {
                **entry(_("Corrections"), "loyalty.correction", "edit_square"),
                "badge": "loyalty.corrections.panels.waiting_badge",
            },
            entry(_("Holds"), "loyalty.hold", "shopping_basket"),
            entry(_("Holds of budgets"), "loyalty.budgethold", "shopping_bag"),
            entry(_("Draws in households"), "loyalty.draw", "group_work"),
            entry(_("Gifts of points"), "loyalty.gift", "volunteer_activism"),
            entry(_("Tier changes"), "loyalty.tierchange", "stairs"),
            entry(_("Treats"), "loyalty.treat", "redeem"),
            entry(_("Events"), "loyalty.event", "celebration"),
            entry(_("Earning rules"), "loyalty.earningrule", "rule"),
            entry(_("Backtests"), "loyalty.backtest", "history"),
            entry(_("Budgets"), "loyalty.budget", "savings"),
            entry(_("Tiers"), "loyalty.ladder", "workspace_premium"),
            entry(_("Drafts of ladders"), "loyalty.ladderdraft", "design_services"),
            entry(_("Given tiers"), "loyalty.grant", "redeem"),
            entry(_("Point kinds"), "loyalty.pointkind", "toll"),
            entry(_("Differences"), "loyalty.difference", "balance"),
        ],
    },
    {
        "title": _("Marketing"),
        "items": [
            {**entry(_("Segments"), "members.segment", "filter_alt"), "badge": "members.segments.panels.drift_badge"},
            entry(_("Frozen audiences"), "members.audience", "ac_unit"),
            entry(_("Lists of members"), "members.memberlist", "playlist_add_check"),
            entry(_("Promotions"), "loyalty.promotion", "sell"),
            entry(_("Paying with points"), "loyalty.payterms", "payments"),
            entry(_("Templates"), "members.template", "edit_note"),
            entry(_("Messages"), "members.message", "outbox"),
            entry(_("Topics of messages"), "members.topic", "label"),
        ],
    },
    {
        "title": _("Insight"),
        "items": [
            {
                "title": _("Members at a glance"),
                "icon": "insights",
                "link": reverse_lazy("admin:insight_overview"),
                "permission": may("members.view_memberscore"),
            },
            entry(_("Member scores"), "members.memberscore", "leaderboard"),
            entry(_("Goals"), "members.goal", "flag"),
            {
                "title": _("How fair the way up is"),
                "icon": "balance",
                "link": reverse_lazy("admin:fairness"),
                "permission": may("loyalty.see_figures"),
            },
            entry(_("What looks odd"), "loyalty.watch", "visibility"),
            entry(_("Points liability"), "loyalty.liabilityday", "account_balance") | {"permission": sees_all_figures},
        ],
    },
    {
        "title": _("Files"),
        "items": [
            entry(_("Imports of members"), "members.rosterimport", "person_add"),
            entry(_("Exports of members"), "members.extract", "file_download")
            | {"permission": may("members.export_member")},
            entry(_("Imports of sales"), "loyalty.saleimport", "upload_file"),
            entry(_("Programme files"), "loyalty.programmefile", "description"),
        ],
    },
    {
        "title": _("Set-up"),
        "items": [
            entry(_("Stores"), "members.store", "storefront"),
            entry(_("Tills"), "members.till", "point_of_sale"),
            entry(_("Staff"), "members.user", "badge"),
            entry(_("Roles"), "auth.group", "admin_panel_settings"),
            entry(_("Products"), "members.product", "inventory_2"),
            entry(_("Reasons for corrections"), "loyalty.correctionreason", "checklist"),
            entry(_("Limits of corrections"), "loyalty.correctionlimit", "speed"),
            entry(_("Rules of households"), "loyalty.householdrule", "family_restroom"),
            entry(_("Rules of gifts"), "loyalty.giftrule", "volunteer_activism"),
            entry(_("RFM scheme"), "members.rfmscheme", "grid_on"),
            entry(_("Further fields"), "members.customfield", "list_alt_add"),
            entry(_("Join codes"), "members.joincode", "qr_code_2"),
            entry(_("Tags"), "members.tag", "label"),
            entry(_("Whole profiles"), "members.profilepart", "donut_large"),
            entry(_("Reminders of profiles"), "members.fullnessrule", "notifications_active"),
            entry(_("Wordings of consents"), "members.wording", "gavel"),
            entry(_("How often we write"), "members.contactrule", "notifications_paused"),
            entry(_("How long things are kept"), "members.retentionrule", "auto_delete"),
            entry(_("Rules of privacy"), "members.privacyrule", "shield_person"),
            entry(_("Webhook endpoints"), "members.endpoint", "webhook"),
            entry(_("Webhook deliveries"), "members.delivery", "outgoing_mail"),
            entry(_("Programme"), "loyalty.programme", "tune"),
        ],
    },
]

UNFOLD = {
    "SITE_TITLE": "Regulars 熟客",
    "SITE_HEADER": "Regulars 熟客",
    "SITE_SYMBOL": "storefront",
    "SITE_URL": None,  # the portal is for members, not for staff
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("icons/favicon.svg")},
    ],
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": reverse_lazy("choose_language")},
    "SHOW_BACK_BUTTON": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "10px",
    "COLORS": {"base": PAPER, "primary": PERSIMMON},
    "STYLES": [lambda _request: static("css/admin.css")],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": SIDEBAR},
}
