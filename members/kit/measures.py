"""How traits answer: columns of the member, sums over their rows, what they have; each as a `Q` that is never NULL."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, BooleanField, Case, Count, Exists, Max, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from members.kit.charts import start_of
from members.kit.passes import Pass, Rows, remember, remembered_pass
from members.kit.traits import Answer, Asking, Happened, Question
from members.kit.windows import shops_day

NUMBERED: Mapping[str, Callable[[str, Any], Q]] = {
    "at_least": lambda name, value: Q(**{f"{name}__gte": value}),
    "more_than": lambda name, value: Q(**{f"{name}__gt": value}),
    "at_most": lambda name, value: Q(**{f"{name}__lte": value}),
    "less_than": lambda name, value: Q(**{f"{name}__lt": value}),
    "equal": lambda name, value: Q(**{name: value}),
    "between": lambda name, value: Q(**{f"{name}__gte": value[0], f"{name}__lte": value[1]}),
}
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda number, value: number >= value,
    "more_than": lambda number, value: number > value,
    "at_most": lambda number, value: number <= value,
    "less_than": lambda number, value: number < value,
    "equal": lambda number, value: number == value,
    "between": lambda number, value: value[0] <= number <= value[1],
}
AN_INSTANT = timedelta(microseconds=1)
TEXTS = {"equal": "iexact", "contains": "icontains", "begins": "istartswith"}


def sure(lookup: Any) -> Q:
    """An expression that is true or false as it stands, and false where it would be NULL."""
    return Q(Coalesce(lookup, Value(False), output_field=BooleanField()))


def among(rows: QuerySet[Any], path: str = "member") -> Q:
    """Members of whom there are such rows.

    The CASE keeps the set a set: the server hashes it once and looks each member up. Left to itself it would join, and
    as it takes what HAVING leaves for a row or two, it would go through whole sets once for every member.
    """
    return Q(Case(When(pk__in=rows.values(path), then=Value(True)), default=Value(False), output_field=BooleanField()))


def everybody() -> Q:
    """True of all."""
    return Q(pk__isnull=False)


def nobody() -> Q:
    """True of none."""
    return Q(pk__isnull=True)


def bounds_of(question: Question, asking: Asking) -> tuple[datetime | None, datetime | None]:
    """From (included) and until (not included) of a question about times; None where it is open."""
    value = question.value
    match question.operator:
        case "within_last":
            return asking.days_back(value), asking.now + AN_INSTANT
        case "longer_ago":
            return None, asking.days_back(value)
        case "within_next":
            return asking.now, asking.days_on(value)
        case "since":
            return start_of(value), None
        case "before":
            return None, start_of(value)
        case _between:
            return start_of(value[0]), start_of(value[1] + timedelta(days=1))


def day_of(moment: datetime | None, asking: Asking) -> date | None:
    """A bound as one of dates: what ends now ends with today."""
    if moment is None:
        return None
    if moment == asking.now + AN_INSTANT:
        return asking.today + timedelta(days=1)
    return shops_day(moment)


def timed(name: str, question: Question, asking: Asking, *, is_date: bool = False) -> Q:
    """A column of times compared: false where it is empty."""
    is_known = Q(**{f"{name}__isnull": False})
    if question.operator in ("known", "unknown"):
        return is_known if question.operator == "known" else Q(**{f"{name}__isnull": True})
    since, until = (day_of(each, asking) if is_date else each for each in bounds_of(question, asking))
    found = is_known
    if since is not None:
        found &= Q(**{f"{name}__gte": since})
    return found if until is None else found & Q(**{f"{name}__lt": until})


def of_column(name: str, *, is_date: bool = False) -> Answer:
    """A date or moment of the member."""
    return lambda question, asking: timed(name, question, asking, is_date=is_date)


def of_choice(name: str) -> Answer:
    """A column of the member that holds one code, empty or NULL where there is none."""

    def answer(question: Question, asking: Asking) -> Q:
        known = Q(**{f"{name}__isnull": False}) & ~Q(**{name: ""})
        if question.operator in ("known", "unknown"):
            return known if question.operator == "known" else ~known
        found = Q(**{f"{name}__isnull": False, f"{name}__in": question.value})
        return found if question.operator == "one_of" else ~found

    return answer


def of_text(name: str) -> Answer:
    """A text of the member."""

    def answer(question: Question, asking: Asking) -> Q:
        if question.operator in ("known", "unknown"):
            return ~Q(**{name: ""}) if question.operator == "known" else Q(**{name: ""})
        return Q(**{f"{name}__{TEXTS[question.operator]}": question.value})

    return answer


def windowed(rows: Happened, moment: str, question: Question, asking: Asking) -> QuerySet[Any]:
    """The rows of those asked about until now, within the last days where the question says so.

    Rows without a moment say how things stand.
    """
    found = asking.of(rows(question.parameters, asking))
    if not moment:
        return found
    found = found.filter(**{f"{moment}__lte": asking.now})
    days = question.parameters.get("days")
    return found if days is None else found.filter(**{f"{moment}__gte": asking.days_back(days)})


def as_q(made_of: Pass) -> Q:
    """A pass as a condition over Member."""
    rows, is_opposite = made_of.members()
    return ~among(rows) if is_opposite else among(rows)


def counted(measure: Aggregate, rows: Rows, question: Question, asking: Asking, moment: str, more: Q) -> Any:
    """The measure over just those rows that the question is about."""
    days = question.parameters.get("days")
    narrowed = rows.condition(question.parameters) & more
    if days is not None:
        narrowed &= Q(**{f"{moment}__gte": asking.days_back(days)})
    copied = measure.copy()
    if narrowed:
        copied.filter = narrowed
    return copied


def measured(
    rows: Happened, measure: Any, holds: Callable[[str], Q], of_none: bool, moment: str, question: Question,
    asking: Asking, more: Q | None = None, zero: Any = None,
) -> Q:  # fmt: skip
    """Members whose measure is as asked; those without rows as `of_none` says."""
    more = more if more is not None else Q()
    found = windowed(rows, moment, question, asking).filter(more)
    whole = measure if zero is None else Coalesce(measure, zero)
    alone = having(found, whole, ~holds("measured") if of_none else holds("measured"))
    answer = ~alone if of_none else alone
    if not isinstance(rows, Rows) or not moment:
        return answer
    narrowed = counted(measure, rows, question, asking, moment, more)
    narrowed = narrowed if zero is None else Coalesce(narrowed, zero)
    days = question.parameters.get("days")
    since = None if days is None else asking.days_back(days)
    made_of = Pass(rows, moment, asking, (narrowed,), lambda names: holds(names[0]), of_none, since)
    return remember(answer, made_of)


def of_sum(rows: Happened, measure: Aggregate, moment: str = "happened_at", *, has_zero: bool = True) -> Answer:
    """A number added up over rows; whoever has none has 0, or no number at all where `has_zero` is false."""

    def answer(question: Question, asking: Asking) -> Q:
        def holds(name: str) -> Q:
            asked = NUMBERED[question.operator](name, question.value)
            return asked if has_zero else asked & Q(**{f"{name}__isnull": False})

        of_none = has_zero and COMPARED[question.operator](0, question.value)
        return measured(rows, measure, holds, of_none, moment, question, asking, zero=0 if has_zero else None)

    return answer


def of_count(rows: Happened, moment: str = "happened_at", *, of: str = "pk", distinct: bool = False) -> Answer:
    """How many rows, or different values."""
    return of_sum(rows, Count(of, distinct=distinct), moment)


def having(rows: QuerySet[Any], measure: Any, asked: Q) -> Q:
    """Members whose measure is as asked."""
    grouped = rows.order_by().values("member").annotate(measured=measure)
    return among(grouped.filter(asked))


def of_last(rows: Happened, moment: str = "happened_at") -> Answer:
    """When it happened last."""
    return of_moment(rows, Max(moment), moment)


def of_first(rows: Happened, moment: str = "happened_at") -> Answer:
    """When it happened first."""
    return of_moment(rows, Min(moment), moment)


def of_moment(rows: Happened, measure: Aggregate, moment: str) -> Answer:
    """The first or last moment of rows up to now."""

    def answer(question: Question, asking: Asking) -> Q:
        if question.operator in ("known", "unknown"):
            return has_some(rows, moment, question, asking, wanted=question.operator == "known")
        return measured(rows, measure, lambda name: timed(name, question, asking), False, moment, question, asking)

    return answer


def has_some(
    rows: Happened, moment: str, question: Question, asking: Asking, *, wanted: bool, more: Q | None = None
) -> Q:
    """Members with such rows, or without."""
    found = windowed(rows, moment, question, asking).filter(more if more is not None else Q())
    answer = among(found) if wanted else ~among(found)
    if not isinstance(rows, Rows) or not moment:
        return answer

    def holds(name: str) -> Q:
        return Q(**{f"{name}__gt": 0}) if wanted else Q(**{name: 0})

    made_of = remembered_pass(measured(rows, Count("pk"), holds, not wanted, moment, question, asking, more, 0))
    return answer if made_of is None else remember(answer, made_of)


def of_having(rows: Happened) -> Answer:
    """Yes for those who have such rows."""
    return of_deed(rows, "")


def of_deed(rows: Happened, moment: str = "happened_at") -> Answer:
    """Yes for those who did it, in the last days where the question says so."""
    return lambda question, asking: has_some(rows, moment, question, asking, wanted=question.operator == "yes")


def of_many(rows: Happened, column: str, moment: str = "") -> Answer:
    """Codes that stand in the members' rows; choices of one at most as well as several."""

    def answer(question: Question, asking: Asking) -> Q:
        if question.operator in ("known", "unknown"):
            return has_some(rows, moment, question, asking, wanted=question.operator == "known")
        those = Q(**{f"{column}__in": question.value})
        if question.operator == "all_of":
            wanted = len(set(question.value))
            different = Count(column, distinct=True)
            return measured(
                rows, different, lambda name: Q(**{name: wanted}), False, moment, question, asking, those, 0
            )
        return has_some(rows, moment, question, asking, wanted=question.operator == "any_of", more=those)

    return answer


def did_but_not(did: QuerySet[Any], did_at: str, other: QuerySet[Any], other_at: str, days: int) -> Q:
    """Members with a row that no row of the others followed within so many days."""
    followed = other.filter(
        **{
            "member": OuterRef("member"),
            f"{other_at}__gt": OuterRef(did_at),
            f"{other_at}__lte": OuterRef(did_at) + timedelta(days=days),
        }
    )
    return among(did.filter(~Exists(followed)))
