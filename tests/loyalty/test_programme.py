"""The programme as a file: what it says, what it would change, and that it is taken in whole or not at all."""

from datetime import timedelta
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils.translation import override

from loyalty.benefits.models import Benefit
from loyalty.ledger.models import PointKind, Programme
from loyalty.limits.actions import open_budget, set_pool
from loyalty.limits.models import Budget
from loyalty.limits.rules import BudgetTooSmall
from loyalty.programme.actions import compare, export_programme, hand_in, take_in
from loyalty.programme.models import ProgrammeFile
from loyalty.programme.rules import NothingDiffers, ProblemsLeft, ProgrammeMoved, Unreadable
from loyalty.promotions.actions import change_promotion, set_pay_terms
from loyalty.promotions.models import PayTerms, Promotion
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule, RuleVersion
from loyalty.tiers.models import Ladder, Need, Tier
from members.messaging.models import Template
from tests.factories import NOW, StoreFactory

pytestmark = pytest.mark.django_db
HEAD = "regulars_programme: 1\n"


@pytest.fixture(autouse=True)
def in_english():
    with override("en"):
        yield


def a_richer_programme() -> None:
    """Everything that a file can say, changed or added."""
    store = StoreFactory.create(code="bund")
    points = PointKind.objects.get(code="points")
    stamps = PointKind.objects.create(code="stamps", name_zh="印花", name_en="Stamps", debt_limit=5)
    Programme.objects.update(return_days=21)
    budget = open_budget(code="spring", name_zh="春季", name_en="Spring", total=90_000, price=120)
    set_pool(budget=budget, store=store, total=5_000)
    ladder = Ladder.objects.get()
    tier = Tier.objects.create(
        ladder=ladder, code="pearl", name_zh="珍珠", name_en="Pearl", threshold=3_333, retention=3_000, multiplier=130
    )
    Need.objects.create(tier=tier, basis="points", kind=stamps, threshold=4)
    Benefit.objects.create(tier=tier, kind="discount", value=5, words_zh="九五折", words_en="5 off")
    rule = EarningRule.objects.create(code="no", name_zh="否", name_en="No: a code that YAML would read as false")
    change_rule(
        rule=rule,
        now=NOW,
        by=None,
        kind=points,
        effect="multiply",
        percent=300,
        conditions={"all": [{"store": ["bund"]}, {"hours": [["18:00", "22:00"]]}, {"dates": {"from": "2026-04-01"}}]},
        limits={"points": {"month": 500}},
        budget=budget,
        expires_on=(NOW + timedelta(days=300)).date(),
    )
    prices = open_budget(code="off", name_zh="减", name_en="Off", total=5_000, is_for_prices=True)
    promotion = Promotion.objects.create(code="tea", name_zh="茶", name_en="Tea", words_en="Buy two")
    change_promotion(
        promotion=promotion, now=NOW, by=None, effect="buy_get", buys=2, lines={"category": ["tea"]}, budget=prices,
        conditions={"tier": ["gold"]}, limits={"times": {"day": 1}},
    )  # fmt: skip
    set_pay_terms(kind=points, now=NOW, by=None, points=100, worth=95, least=200, most_share=50)
    Template.objects.create(code="hello", language="en", subject="Hello", body="Dear {{ name }},\n\nyes: no\n")


def a_file_of(change) -> str:
    """The programme as a file after a change that is not kept."""
    with transaction.atomic():
        change()
        text = export_programme()
        transaction.set_rollback(True)
    return text


def what_stands() -> tuple:
    """Everything that a file could have touched."""
    return (export_programme(), RuleVersion.objects.count(), Template.objects.count(), ProgrammeFile.objects.count())


def test_taking_in_what_was_written_changes_nothing():
    a_richer_programme()

    outcome = compare(text=export_programme(), now=NOW)

    assert (outcome.changes, outcome.problems, outcome.left_out) == ([], [], [])


def test_a_file_from_another_shop_makes_this_one_the_same_to_the_letter():
    StoreFactory.create(code="bund")
    text = a_file_of(lambda: (StoreFactory._meta.model.objects.all().delete(), a_richer_programme()))
    assert "pearl" not in export_programme()

    file = take_in(file=hand_in(text=text, name="staging.yaml", now=NOW), now=NOW)

    assert export_programme() == text
    assert file.taken_in_at == NOW
    version = EarningRule.objects.get(code="no").versions.get()
    assert version.valid_from == NOW
    assert version.limits == {"points": {"month": 500}}
    assert Tier.objects.get(code="pearl").needs.get().kind.code == "stamps"
    assert Promotion.objects.get(code="tea").versions.get().buys == 2
    assert PayTerms.objects.get().worth == 95
    with pytest.raises(NothingDiffers):
        take_in(file=hand_in(text=text, name="again", now=NOW), now=NOW)


def test_the_file_is_read_by_any_yaml_as_it_is_read_here():
    a_richer_programme()

    said = yaml.safe_load(export_programme())

    rule = said["rules"]["no"]
    assert rule["conditions"]["all"][1] == {"hours": [["18:00", "22:00"]]}
    assert (rule["effect"], rule["percent"], rule["kind"], rule["budget"]) == ("multiply", 300, "points", "spring")
    assert "rounding" not in rule  # it is as usual
    assert said["budgets"]["spring"] == {
        "name_zh": "春季", "name_en": "Spring", "price": 120, "total": 90_000, "stores": {"bund": 5_000}
    }  # fmt: skip
    assert said["ladders"]["main"]["tiers"]["pearl"]["benefits"] == {
        "discount": {"value": 5, "words_zh": "九五折", "words_en": "5 off"}
    }


def test_another_saying_is_a_new_version_and_old_sales_keep_theirs():
    said = yaml.safe_load(export_programme())
    rule = EarningRule.objects.get(code="spend")
    before = rule.versions.count()
    said["rules"]["spend"]["points"] = 7

    file = hand_in(text=yaml.safe_dump(said, allow_unicode=True), name="x", now=NOW)

    assert file.changes == [["rules.spend.points", None, 7]]
    assert rule.versions.count() == before
    take_in(file=file, now=NOW)
    newest = rule.versions.order_by("-number").first()
    assert (rule.versions.count(), newest.points, newest.valid_from) == (before + 1, 7, NOW)


def test_a_rule_may_begin_later():
    says = "name_zh: 消费, name_en: Spend, kind: points, points: 9, valid_from: 2099-01-01T00:00:00+08:00"
    text = f"{HEAD}rules: {{spend: {{{says}}}}}"

    take_in(file=hand_in(text=text, name="x", now=NOW), now=NOW)

    assert EarningRule.objects.get(code="spend").versions.order_by("-number").first().valid_from.year == 2098  # in UTC


def test_what_a_file_does_not_name_stays_and_is_said():
    outcome = compare(text=HEAD + "settings: {return_days: 9}", now=NOW)

    assert [(each.path, each.before, each.after) for each in outcome.changes] == [("settings.return_days", 14, 9)]
    assert "rules.spend" in outcome.left_out
    assert "settings.most_percent" in outcome.left_out
    assert Programme.objects.get().return_days == 14


def test_the_linter_speaks_of_the_programme_as_it_would_be():
    rule = "{name_zh: 茶, name_en: Tea, kind: points, conditions: {store: [nowhere]}}"

    outcome = compare(text=f"{HEAD}rules: {{tea: {rule}}}", now=NOW)

    assert [(each.code, each.rule) for each in outcome.findings] == [("unknown_code", "tea")]


BAD = {
    "rulez: {}": ("rulez", "unknown_entry"),
    "settings: {return_day: 3}": ("settings.return_day", "unknown_entry"),
    "settings: {return_days: -1}": ("settings.return_days", "invalid"),
    "settings: {return_days: many}": ("settings.return_days", "wrong_value"),
    "settings: {most_percent: 99}": ("settings.most_percent", "invalid"),
    "point_kinds: {points: {name_zh: 积分}}": ("point_kinds.points", "invalid"),
    "point_kinds: {points: 7}": ("point_kinds.points", "wrong_value"),
    "budgets: {b: {name_zh: 甲, name_en: A, total: -5}}": ("budgets.b.total", "bad_budget"),
    "budgets: {b: {name_zh: 甲, name_en: A, total: 5, stores: {moon: 5}}}": ("budgets.b.stores.moon", "unknown_code"),
    "budgets: {b: {name_zh: 甲, name_en: A, total: 1.5}}": ("budgets.b.total", "bad_budget"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: gems}}": ("rules.r.kind", "unknown_code"),
    "rules: {r: {name_zh: 甲, name_en: A}}": ("rules.r", "invalid"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, point: 3}}": ("rules.r", "unknown_entry"),
    'rules: {r: {name_zh: 甲, name_en: A, kind: points, points: "3"}}': ("rules.r.points", "wrong_value"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, points: 0}}": ("rules.r", "bad_number"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, is_on: no}}": ("rules.r.is_on", "wrong_value"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, effect: explode}}": ("rules.r", "invalid"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, effect: multiply, percent: 0}}": ("rules.r", "bad_multiplier"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, percent: 100000}}": ("rules.r", "bad_multiplier"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, expires_on: 2026-02-30}}": (
        "rules.r.expires_on",
        "wrong_value",
    ),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, conditions: {moon: full}}}": ("rules.r", "bad_condition"),
    "rules: {r: {name_zh: 甲, name_en: A, kind: points, conditions: {hours: [[18:00, 22:00], [21:00, 23:00]]}}}": (
        "rules.r",
        "overlapping_windows",
    ),
    "rules: {spend: {name_zh: 甲, name_en: A, kind: points, points: 5, valid_from: 1900-01-01T00:00:00Z}}": (
        "rules.spend",
        "version_in_past",
    ),
    "rules: {spend: {name_zh: 甲, name_en: A, kind: points, points: 5, valid_from: 2099-01-01T00:00:00}}": (
        "rules.spend.valid_from",
        "wrong_value",
    ),
    "ladders: {main: {name_zh: 等, name_en: M, basis: growth, window: lifetime, tiers: {}}}": (
        "ladders.main.tiers",
        "tier_left_out",
    ),
    "ladders: {side: {name_zh: 等, name_en: M, basis: points, window: lifetime}}": ("ladders.side", "invalid"),
    "promotions: {p: {name_zh: 甲, name_en: A, effect: percent_off, percent: 101}}": ("promotions.p", "bad_percent"),
    "promotions: {p: {name_zh: 甲, name_en: A, effect: buy_get}}": ("promotions.p", "nothing_chosen"),
    "promotions: {p: {name_zh: 甲, name_en: A, amount: 0}}": ("promotions.p", "bad_number"),
    "promotions: {p: {name_zh: 甲, name_en: A, price: 3}}": ("promotions.p", "unknown_entry"),
    "pay_with_points: {terms: {kind: growth}}": ("pay_with_points.terms", "not_spendable"),
    "pay_with_points: {terms: {kind: points, most_share: 101}}": ("pay_with_points.terms", "invalid"),
    "pay_with_points: {rate: {}}": ("pay_with_points.rate", "unknown_entry"),
    "templates: {hello: {en: {subject: a, body: '{{ broken'}}}": ("templates.hello.en", "unwritable"),
    "templates: {hello: {fr: {subject: a, body: b}}}": ("templates.hello.fr", "invalid"),
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_is_said_with_its_place_and_nothing_is_taken_in(text):
    path, code = BAD[text]
    good = "" if text.startswith("settings") else "settings: {return_days: 3}\n"
    file = hand_in(text=f"{HEAD}{good}{text}", name="x", now=NOW)
    stood = what_stands()

    with pytest.raises(ProblemsLeft):
        take_in(file=file, now=NOW)

    assert [each[:2] for each in file.problems] == [[path, code]]
    assert file.problems[0][2]
    assert what_stands() == stood


TIER = "{{name_zh: 级, name_en: T, threshold: {threshold}, {more}}}"
LADDER = (
    "ladders: {{side: {{name_zh: 等, name_en: S, basis: growth, window: lifetime, "
    "tiers: {{low: {low}, high: {high}}}}}}}"
)


@pytest.mark.parametrize(
    ("low", "high", "path", "code"),
    [
        ((500, ""), (100, ""), "ladders.side.tiers", "tiers_out_of_order"),
        ((100, ""), (100, ""), "ladders.side.tiers", "same_threshold"),
        ((0, "multiplier: 0"), (100, ""), "ladders.side.tiers.low", "invalid"),
        ((0, ""), (100, "retention: 200"), "ladders.side.tiers.high", "invalid"),
        (
            (0, ""),
            (100, "benefits: {discount: {value: 100}}"),
            "ladders.side.tiers.high.benefits.discount",
            "benefit_value_missing",
        ),
        ((0, ""), (100, "benefits: {wings: {}}"), "ladders.side.tiers.high.benefits.wings", "wrong_value"),
        ((0, ""), (100, "needs: [{basis: points, threshold: 4}]"), "ladders.side.tiers.high.needs", "invalid"),
        ((0, ""), (100, "needs: 7"), "ladders.side.tiers.high.needs", "wrong_value"),
    ],
)
def test_a_ladder_that_is_none_is_refused_where_it_is_wrong(low, high, path, code):
    tiers = {name: TIER.format(threshold=each[0], more=each[1]) for name, each in (("low", low), ("high", high))}

    outcome = compare(text=HEAD + LADDER.format(**tiers), now=NOW)

    assert [(each.path, each.code) for each in outcome.problems] == [(path, code)]
    assert outcome.changes == []
    assert not Ladder.objects.filter(code="side").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begin"),
        ("rules: {}", "begin"),
        ("regulars_programme: 2", "begin"),
        ("- a\n- b", "begin"),
        (HEAD + "rules: [a]", "rules"),
        (HEAD + "rules: {a: &x {}, b: *x}", "references"),
        (HEAD + "rules: {a: 1, a: 2}", "twice"),
        (HEAD + "rules: {a: !!python/object:os.system {}}", "line 2"),
        (HEAD + "rules: " + "[" * 20_000, "YAML"),
        (HEAD + "settings: {return_days: " + "9" * 9_000 + "}", "YAML"),
        (HEAD + "settings: {x: \x00}", "YAML"),
        (HEAD + "rules: {", "line 2"),
        (HEAD + "# " + "x" * 1_000_000, "characters"),
    ],
)
def test_a_file_that_hides_something_is_not_read(text, words):
    stood = what_stands()

    with pytest.raises(Unreadable, match=words):
        hand_in(text=text, name="x", now=NOW)

    assert what_stands() == stood


def test_a_budget_is_not_filled_below_what_is_used_and_keeps_its_unit():
    budget = open_budget(code="b", name_zh="甲", name_en="A", total=100)
    shard = budget.pools.get().shards.order_by("slot").first()
    shard.used = 10
    shard.save()
    text = HEAD + "budgets: {b: {name_zh: 甲, name_en: A, price: %s, total: %s}}"

    too_small, other_unit = (compare(text=text % each, now=NOW) for each in (("null", 9), (5, 100)))

    assert [each.code for each in too_small.problems] == [BudgetTooSmall.code]
    assert [(each.path, each.code) for each in other_unit.problems] == [("budgets.b", "wrong_value")]
    assert Budget.objects.get(code="b").price is None


def test_a_programme_that_moved_since_the_comparison_is_not_overwritten():
    file = hand_in(text=HEAD + "settings: {return_days: 9}", name="x", now=NOW)
    Template.objects.create(code="hello", language="en", subject="a", body="b")

    with pytest.raises(ProgrammeMoved):
        take_in(file=file, now=NOW)

    assert Programme.objects.get().return_days == 14
    file.refresh_from_db()
    assert file.taken_in_at is None


def test_taking_in_twice_is_taking_in_once():
    file = hand_in(text=HEAD + "settings: {return_days: 9}", name="x", now=NOW)

    first = take_in(file=file, now=NOW)
    Programme.objects.update(return_days=30)
    again = take_in(file=file, now=NOW + timedelta(days=1))

    assert again.taken_in_at == first.taken_in_at == NOW
    assert Programme.objects.get().return_days == 30


def test_the_command_writes_compares_and_takes_in(tmp_path):
    path, out = tmp_path / "programme.yaml", StringIO()
    call_command("programme", "export", str(path))
    path.write_text(path.read_text().replace("return_days: 14", "return_days: 8"))

    call_command("programme", "diff", str(path), stdout=out)
    assert out.getvalue() == "settings.return_days: 14 → 8\n"
    assert Programme.objects.get().return_days == 14

    call_command("programme", "import", str(path), stdout=out)
    assert Programme.objects.get().return_days == 8
    errors = StringIO()
    path.write_text(HEAD + "settings: {return_days: soon}")
    with pytest.raises(CommandError, match="problems"):
        call_command("programme", "import", str(path), stdout=out, stderr=errors)
    assert "! settings.return_days" in errors.getvalue()
    assert Programme.objects.get().return_days == 8
    with pytest.raises(CommandError, match="nowhere"):
        call_command("programme", "diff", str(tmp_path / "nowhere.yaml"))


def test_a_file_is_the_same_for_readers_of_either_language():
    with override("zh-hans"):
        file = hand_in(text=HEAD + "settings: {return_days: 9}", name="x", now=NOW)

    with override("en"):
        take_in(file=file, now=NOW)

    assert Programme.objects.get().return_days == 9
