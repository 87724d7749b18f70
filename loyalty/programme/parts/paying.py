"""What points pay: the newest terms, as the one thing `terms`."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.programme.parts.fields import Fields
from loyalty.programme.parts.part import Part, Turn
from loyalty.programme.rules import Things, check_known
from loyalty.promotions.actions import set_pay_terms
from loyalty.promotions.models import PayTerms

TERMS = Fields(PayTerms, "is_on", "kind", "points", "worth", "least", "step", "most_share")


def newest() -> PayTerms | None:
    """The terms that were said last."""
    return PayTerms.objects.order_by("-valid_from", "-pk").select_related("kind").first()


def stands() -> Things:
    """The terms, where there are some."""
    terms = newest()
    return {"terms": TERMS.said(terms)} if terms else {}


def write(code: str, says: Any, turn: Turn) -> None:
    """Other terms hold from now on. Raises what `set_pay_terms` raises."""
    check_known({code: says}, ["terms"])
    values, last = TERMS.read(says), newest()
    PayTerms(**values).clean_fields(exclude=["valid_from"])
    if last is None or any(getattr(last, name) != value for name, value in values.items()):
        set_pay_terms(now=turn.now, by=turn.by, **values)


PART = Part("pay_with_points", _("paying with points"), stands, write)
