"""What segments may ask of the night's scores. Who was not scored is in none of them."""

from collections.abc import Callable

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.kit.measures import NUMBERED, among, timed
from members.kit.traits import Answer, Asking, Group, Kind, Question, Trait, register
from members.scores.models import MemberScore
from members.scores.rules import Cell, Risk

SCORES = Group("scores", _("Scores of last night"), 85)


def of_row(condition: Callable[[Question, Asking], Q]) -> Answer:
    """Members whose row is so."""
    return lambda question, asking: among(asking.of(MemberScore.objects.filter(condition(question, asking))))


def of_score(name: str) -> Answer:
    """A number of the row; empty is no number."""
    return of_row(lambda question, asking: NUMBERED[question.operator](name, question.value))


def of_day(name: str) -> Answer:
    """A day of the row."""
    return of_row(lambda question, asking: timed(name, question, asking, is_date=True))


def of_code(name: str) -> Answer:
    """A code of the row, empty where there is none; "none of" and "not known" are also true of those without a row."""

    def answer(question: Question, asking: Asking) -> Q:
        named = {} if question.operator in ("known", "unknown") else {f"{name}__in": question.value}
        found = among(asking.of(MemberScore.objects.filter(**named).exclude(**{name: ""})))
        return ~found if question.operator in ("none_of", "unknown") else found

    return answer


register(
    Trait("rfm_cell", SCORES, _("RFM cell"), Kind.CHOICE, of_code("cell"), choices=lambda: list(Cell.choices)),
    Trait("churn_risk", SCORES, _("churn risk"), Kind.CHOICE, of_code("risk"), choices=lambda: list(Risk.choices)),
    Trait("recency_score", SCORES, _("recency score"), Kind.NUMBER, of_score("recency")),
    Trait("frequency_score", SCORES, _("frequency score"), Kind.NUMBER, of_score("frequency")),
    Trait("spend_score", SCORES, _("spend score"), Kind.NUMBER, of_score("monetary")),
    Trait("value_decile", SCORES, _("value decile (10 is worth most)"), Kind.NUMBER, of_score("decile")),
    Trait("engagement", SCORES, _("engagement"), Kind.NUMBER, of_score("engagement")),
    Trait("alive", SCORES, _("still a customer"), Kind.NUMBER, of_score("alive"), unit="%"),
    Trait("expected_value", SCORES, _("expected value in a year"), Kind.MONEY, of_score("expected_value")),
    Trait("next_purchase", SCORES, _("next purchase expected"), Kind.DATE, of_day("next_on")),
    Trait("usual_interval", SCORES, _("average interval in days"), Kind.NUMBER, of_score("interval_days")),
)
