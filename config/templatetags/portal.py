"""How pages write points, money, dates, names in two languages, icons, and the reader's choices."""

from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal
from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, to_locale

from members.kit.money import format_money
from members.messaging.views import inbox_of

register = template.Library()


def locale() -> str:
    """Babel's name of the reader's language."""
    return to_locale(get_language() or settings.LANGUAGE_CODE)


@register.filter
def points(number: int) -> str:
    """12345 as 12,345."""
    return format_decimal(number, locale=locale())


@register.filter
def change(number: int) -> str:
    """What was added or taken: +120, −80 with a real minus."""
    return ("+" if number > 0 else "\u2212" if number < 0 else "") + format_decimal(abs(number), locale=locale())


@register.filter
def money(units: int) -> str:
    """1250 minor units as ¥12.50."""
    return format_money(units)


@register.filter
def day(moment: datetime | date) -> str:
    """22 Nov 2026 or 2026年11月22日; the year only when it is not this one."""
    when = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    is_chinese = locale().startswith("zh")
    if when.year == timezone.localdate().year:
        return format_date(when, "M月d日" if is_chinese else "d MMM", locale=locale())
    return format_date(when, "y年M月d日" if is_chinese else "d MMM y", locale=locale())


@register.filter
def weekday(moment: datetime | date) -> str:
    """Sunday, or 星期日."""
    when = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    return format_date(when, "EEEE", locale=locale())


@register.filter
def month(first: date) -> str:
    """November 2026, or 2026年11月."""
    return format_date(first, "y年M月" if locale().startswith("zh") else "MMMM y", locale=locale())


@register.filter
def clock(moment: datetime) -> str:
    """14:05."""
    return format_time(timezone.localtime(moment).time(), "HH:mm", locale=locale())


@register.filter
def moment(when: datetime) -> str:
    """22 Nov 14:05: a day and the time of it."""
    return f"{day(when)} {clock(when)}"


@register.filter
def ago(moment: datetime) -> SafeString:
    """5 minutes ago, or the day when it is longer than a week; the exact moment on hover."""
    passed = timezone.now() - moment
    words = day(moment) if passed.days >= 7 else format_timedelta(-passed, add_direction=True, locale=locale())
    exact = f"{day(moment)} {clock(moment)}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, words)


@register.filter
def named(thing: Any) -> str:
    """The name of a store, tier or point kind in the reader's language."""
    if thing is None:
        return ""
    names = (thing.name_zh, thing.name_en) if locale().startswith("zh") else (thing.name_en, thing.name_zh)
    return str(names[0] or names[1])


@register.filter
def ink_on(colour: str) -> str:
    """Whether light or dark words can be read on this ground (relative luminance, WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "on-dark" if 1.05 / (luminance + 0.05) >= 4.5 else "on-light"


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """One of our drawings, in the colour of the words around it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#i"></use></svg>',
        size,
        static(f"icons/{name}.svg"),
    )


@register.simple_tag
def shop_name() -> str:
    return str(settings.SHOP_NAME)


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """light or dark if the reader chose, else nothing: as the device is."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return chosen if chosen in {"light", "dark"} else ""


@register.simple_tag(takes_context=True)
def unread_messages(context: template.Context) -> int:
    """How many messages of the signed-in member wait to be read."""
    member = context.get("member")
    return inbox_of(member).unread().count() if member else 0
