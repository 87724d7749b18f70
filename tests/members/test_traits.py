"""Traits: each answers every way of asking with true or false for everybody, and refuses what it cannot compare."""

from datetime import timedelta

import pytest
from django.utils import translation

from members.kit.questions import question_of, read_test, words_of_test
from members.kit.refusals import Refusal
from members.kit.traits import IN_LAST_DAYS, Asking, Kind, Shape, all_traits
from members.profiles.models import CustomField, Member
from tests.factories import NOW, MemberFactory, StoreFactory

pytestmark = pytest.mark.django_db
VALUES = {
    Shape.NONE: [None],
    Shape.NUMBER: [0, 7],
    Shape.NUMBERS: [[0, 30], [3, 4]],
    Shape.DAY: ["2026-03-01"],
    Shape.DAYS: [["2026-01-01", "2026-03-09"]],
    Shape.AGO: [0, 30],
    Shape.TEXT: ["王"],
}


@pytest.fixture
def members():
    """Somebody of whom all is known, and somebody of whom nothing is."""
    for kind in CustomField.Kind.values:
        CustomField.objects.create(
            code=kind, name_zh=kind, name_en=kind, kind=kind, choices=["a", "b"] if kind == "choice" else []
        )
    known = {"text": "王", "number": 7, "date": "2026-03-01", "choice": "a", "yes_no": True}
    store = StoreFactory.create(code="here")
    MemberFactory.create(home_store=store, custom=known, birth_on=NOW.date().replace(year=1990), name="王芳")
    MemberFactory.create(home_store=store, now=NOW - timedelta(days=400), name="")


def ways_to_ask(trait):
    """Every way of asking a trait, with some values."""
    for operator in trait.compared_by.values():
        values = VALUES.get(operator.shape)
        if operator.shape == Shape.CODES:
            codes = [code for code, _words in trait.choices()] if trait.choices else ["TEA"]
            values = [codes[:1], codes[:3]] if codes else []
        for value in values:
            said = {"trait": trait.code, "is": operator.code} | ({} if value is None else {"value": value})
            yield said
            if IN_LAST_DAYS in trait.parameters:
                yield said | {"with": {"days": 30}}


def test_every_trait_is_true_or_false_of_everybody(members):
    traits = all_traits()
    asked = 0
    for trait in traits.values():
        for said in ways_to_ask(trait):
            found, question = question_of(traits, read_test(traits, said))
            answer = found.answer(question, Asking(NOW))

            yes = set(Member.objects.filter(answer).values_list("pk", flat=True))
            no = set(Member.objects.filter(~answer).values_list("pk", flat=True))

            assert not yes & no, said
            assert len(yes | no) == 2, said
            asked += 1
    assert asked > 200


def test_every_trait_says_itself_in_both_languages(members):
    traits = all_traits()
    for language in ("zh-hans", "en"):
        with translation.override(language):
            for trait in traits.values():
                assert str(trait.title), trait.code
                for said in ways_to_ask(trait):
                    assert words_of_test(traits, read_test(traits, said))


def test_there_are_at_least_forty_traits(members):
    assert len(all_traits()) >= 40


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"trait": "shoe_size", "is": "equal", "value": 1}, "unknown_trait"),
        ({"trait": ["spend"], "is": "at_least", "value": 1}, "unknown_trait"),
        ({"trait": "further.gone", "is": "known"}, "unknown_trait"),
        ({"trait": "spend", "is": "contains", "value": "1"}, "unknown_operator"),
        ({"trait": "spend", "is": "at_least", "value": "1"}, "bad_trait_value"),
        ({"trait": "spend", "is": "at_least", "value": True}, "bad_trait_value"),
        ({"trait": "spend", "is": "at_least", "value": 1.5}, "bad_trait_value"),
        ({"trait": "spend", "is": "at_least", "value": -1}, "bad_trait_value"),
        ({"trait": "age", "is": "at_least", "value": float("nan")}, "bad_trait_value"),
        ({"trait": "age", "is": "between", "value": [5, 3]}, "bad_trait_value"),
        ({"trait": "enrolled", "is": "since", "value": "2026-02-30"}, "bad_trait_value"),
        ({"trait": "enrolled", "is": "within_last", "value": -1}, "bad_trait_value"),
        ({"trait": "language", "is": "one_of", "value": ["fr"]}, "bad_trait_value"),
        ({"trait": "language", "is": "one_of", "value": []}, "bad_trait_value"),
        ({"trait": "name", "is": "contains", "value": "a\x00b"}, "bad_trait_value"),
        ({"trait": "spend", "is": "at_least", "value": 1, "with": {"days": "9"}}, "bad_trait_parameter"),
        ({"trait": "spend", "is": "at_least", "value": 1, "with": {"moon": 9}}, "bad_trait_parameter"),
        ({"trait": "spend", "is": "at_least", "value": 1, "with": {"store": ["gone"]}}, "bad_trait_parameter"),
        ({"trait": "spend", "is": "at_least", "value": 1, "with": []}, "bad_trait_parameter"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_both_languages(members, said, code):
    with pytest.raises(Refusal) as refused:
        read_test(all_traits(), said)

    assert refused.value.code == code
    with translation.override("zh-hans"):
        chinese = str(refused.value)
    with translation.override("en"):
        assert chinese != str(refused.value)


def test_whoever_never_bought_has_spent_nothing(members):
    traits = all_traits()
    for said, count in (("less_than", 2), ("at_most", 2), ("more_than", 0), ("at_least", 0)):
        trait, question = question_of(traits, {"trait": "spend", "is": said, "value": 500_00})

        assert Member.objects.filter(trait.answer(question, Asking(NOW))).count() == count


def test_the_kinds_all_have_a_trait(members):
    assert {trait.kind for trait in all_traits().values()} == set(Kind)
