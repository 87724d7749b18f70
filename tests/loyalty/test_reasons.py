"""Why a sale earned what it earned: exact words for staff and tills, friendly ones for the member."""

from datetime import date

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.translation import override

from loyalty.deeds.actions import report_event
from loyalty.deeds.rules import Happening
from loyalty.earning.actions import record_sale
from loyalty.earning.models import Award, Event, Judgement
from loyalty.ledger.models import PointKind
from loyalty.limits.actions import open_budget
from loyalty.reasons.actions import why_of_event, why_of_sale
from loyalty.reasons.rules import friendly_award, words_of_award
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from members.purchases.models import Product, Sale
from members.purchases.rules import Line, Receipt
from members.signin.actions import Address, open_account
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory, UserFactory

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def till():
    return TillFactory.create(store=StoreFactory.create(code="SH1", name_zh="静安店", name_en="Jing'an"))


@pytest.fixture
def wang(till):
    return MemberFactory.create(
        name="王芳", phone="13912345678", home_store=till.store, birth_on=date(1990, 3, 2), now=NOW
    )


def rule(code, name_zh, name_en, **says):
    """A rule that says something since long ago."""
    made = EarningRule.objects.create(code=code, name_zh=name_zh, name_en=name_en)
    kind = PointKind.objects.get(code="points")
    return change_rule(rule=made, now=NOW.replace(year=2020), by=None, kind=kind, **says)


def sold(wang, till, amount=10_000, receipt="1"):
    """A sale of tea."""
    receipt = Receipt(receipt, NOW, "CNY", amount, lines=[Line("TEA", "龙井", 1, amount)])
    done = record_sale(member=wang, store=till.store, till=till, receipt=receipt, now=NOW)
    return Sale.objects.get(pk=done.sale)


@pytest.fixture
def rules(till):
    """Beside the two of the starter programme: some that fire, are cut, nearly fire, or do not."""
    Product.objects.create(sku="TEA", name="龙井", category="茶叶")
    StoreFactory.create(code="BJ1", name_zh="王府井店", name_en="Wangfujing")
    budget = open_budget(code="b", name_zh="周末", name_en="Weekend", total=30)
    rule("tea", "茶叶双倍", "Double tea", effect="multiply", percent=200, lines={"category": ["茶叶"]}, budget=budget)
    rule("gift", "生日礼", "Birthday gift", effect="fixed", points=50, conditions={"birthday_month": True},
         limits={"times": {"day": 1}})  # fmt: skip
    rule("far", "异店礼", "Elsewhere", effect="fixed", points=5, conditions={"store": ["BJ1"]})
    rule("near", "满额礼", "Full basket", effect="fixed", points=9, conditions={"min_amount": 12_000})


def words(why):
    """By rule: what it gave or why it did not."""
    gave = {each.award.version.rule.code: (each.award.points, each.words) for each in why.gave}
    return gave | {each.version.rule.code: (each.reason, each.words) for each in why.missed}


def test_staff_read_the_sum_each_cut_and_why_a_rule_gave_nothing(wang, till, rules):
    sale = sold(wang, till)

    with override("en"):
        said = words(why_of_sale(sale))

    assert said["spend"] == (100, "CN¥100.00 at 1 for each CN¥1.00")
    assert said["tea"] == (
        30, "× 2, on top of the 100 from other rules; 100 before cuts; cut to 30: the budget had no more",
    )  # fmt: skip
    assert said["gift"] == (50, "50 each time")
    assert said["far"] == ("store", "only in the stores Wangfujing")
    assert said["near"] == ("min_amount", "only from CN¥120.00 up")


def test_the_reasons_read_well_in_chinese(wang, till, rules):
    sale = sold(wang, till)

    with override("zh-hans"):
        said = words(why_of_sale(sale))

    assert said["spend"] == (100, "¥100.00，每 ¥1.00 得 1")
    assert said["tea"][1] == "在其他规则的 100 之外，× 2 的加送；封顶前 100；减为 30：预算只剩这些"
    assert said["far"][1] == "仅限门店：王府井店"
    assert said["near"][1] == "仅限满 ¥120.00"


def test_a_limit_that_was_reached_says_so(wang, till, rules):
    sold(wang, till)

    with override("en"):
        why = why_of_sale(sold(wang, till, receipt="2"))

    assert words(why)["gift"] == ("times_day", "at most once a day: already given")
    assert "You had this already: at most once a day" in [each.friendly for each in why.near]


def test_rounding_the_tier_and_points_that_paid_are_told(wang, till):
    award = Award.objects.select_related("version", "sale").get(
        sale=sold(wang, till, 10_050), version__rule__code="spend"
    )
    award.multiplier, award.why, award.returned = 125, {"by_points": 1_000}, 20

    with override("en"):
        staff, friendly = words_of_award(award), friendly_award(award)

    assert staff == (
        "CN¥100.50 at 1 for each CN¥1.00; × 1.25 for the tier; rounded down; CN¥10.00 of it paid with points; "
        "20 taken back"
    )
    assert friendly == [
        "You spent CN¥100.50: 1 for each CN¥1.00",
        "Your tier makes it × 1.25",
        "CN¥10.00 was paid with points, which earns none",
        "20 were taken back after a return",
    ]


def ask(till, sale, language="en"):
    headers = {"authorization": f"Bearer {till.key}", "accept-language": language}
    return Client(headers=headers).get(f"/api/v1/sales/{sale}/why")


def test_the_till_asks_why_and_reads_rules_points_and_codes(wang, till, rules):
    sale = sold(wang, till)

    answer = ask(till, sale.pk).json()

    tea = next(each for each in answer["awards"] if each["rule"] == "tea")
    assert (tea["points"], tea["kind"], tea["version"], tea["name_zh"]) == (30, "points", 1, "茶叶双倍")
    assert {each["rule"]: each["reason"] for each in answer["unfired"]} == {"far": "store", "near": "min_amount"}
    assert "仅限门店：王府井店" in [each["words"] for each in ask(till, sale.pk, "zh-hans").json()["unfired"]]


def test_a_till_of_another_store_asks_in_vain(wang, till, rules):
    sale = sold(wang, till)

    assert ask(TillFactory.create(), sale.pk).status_code == 404
    assert ask(till, 2**63).status_code == 404
    assert Client().get(f"/api/v1/sales/{sale.pk}/why").status_code == 401


def test_the_member_reads_plain_words_and_near_misses_but_no_codes(wang, till, rules):
    sale = sold(wang, till)
    user = open_account(member=wang, address=Address("phone", "+8613912345678"), now=NOW)
    phone = Client(headers={"accept-language": "zh-hans"})
    phone.force_login(user, BACKEND)

    page = phone.get(f"/points/why/sale/{sale.pk}/").content.decode()

    assert "您消费 ¥100.00，每 ¥1.00 得 1" in page
    assert "× 2：在您的 100 之外加送" in page
    assert "活动名额仅剩 30" in page
    assert "再消费 ¥20.00 即可享受" in page
    assert "异店礼" not in page
    assert not [code for code in ("SH1", "BJ1", "birthday_month", "min_amount") if code in page]
    other = MemberFactory.create(name="李雷", phone="13900000001", now=NOW)
    phone.force_login(open_account(member=other, address=Address("phone", "+8613900000001"), now=NOW), BACKEND)
    assert phone.get(f"/points/why/sale/{sale.pk}/").status_code == 404


def test_an_event_says_why_too(wang, till):
    version = rule("review", "评价礼", "Review gift", trigger="review", effect="fixed", points=20)
    event = Event.objects.create(member=wang, code="review", key="1", happened_at=NOW)
    Award.objects.create(member=wang, event=event, version=version, points=20, multiplier=100)

    with override("en"):
        why = why_of_event(event)

    assert [(each.award.points, each.words, each.friendly) for each in why.gave] == [
        (20, "20 each time", ["A gift of 20"])
    ]


@pytest.fixture
def reviewed(wang, till):
    """Two reviews on a day: rules about them give once a day, in another store, on words of their own."""
    rule("review", "评价礼", "Review gift", trigger="review", effect="fixed", points=20, limits={"times": {"day": 1}})
    rule("far", "异店礼", "Far gift", trigger="review", effect="fixed", points=5, conditions={"store": ["BJ1"]})
    StoreFactory.create(code="BJ1", name_zh="王府井店", name_en="Wangfujing")
    for key in ("1", "2"):
        report_event(member=wang, happening=Happening("review", key, NOW, till.store), now=NOW)
    return list(Event.objects.order_by("pk"))


def test_rules_that_gave_nothing_for_an_event_say_why(reviewed):
    with override("en"):
        first, second = map(why_of_event, reviewed)

    assert [each.award.points for each in first.gave] == [20]
    assert [(each.reason, each.words) for each in first.missed] == [("store", "only in the stores Wangfujing")]
    assert second.gave == []
    assert words(second)["review"] == ("times_day", "at most once a day: already given")
    assert [each.friendly for each in second.near] == ["You had this already: at most once a day"]


def test_an_event_of_which_no_rule_knows_keeps_no_reasons(wang, reviewed):
    report_event(member=wang, happening=Happening("share", "1", NOW), now=NOW)

    assert Judgement.objects.filter(event__isnull=False).count() == 2
    assert not Judgement.objects.filter(event__code="share").exists()


def test_the_same_event_again_keeps_its_reasons_once(wang, till, reviewed):
    before = list(Judgement.objects.values())

    report_event(member=wang, happening=Happening("review", "2", NOW, till.store), now=NOW)

    assert list(Judgement.objects.values()) == before


@pytest.mark.parametrize("causes", [{}, {"sale": True, "event": True}])
def test_a_judgement_is_of_one_sale_or_one_event(wang, till, reviewed, causes):
    sale = sold(wang, till)
    things = {name: {"sale": sale, "event": reviewed[0]}[name] for name in causes}

    with pytest.raises(IntegrityError, match="judgement_has_one_cause"), transaction.atomic():
        Judgement.objects.create(member=wang, unfired={"store": [1]}, **things)


def test_a_till_asks_why_an_event_of_its_store_brought_nothing(till, reviewed):
    client = Client(headers={"authorization": f"Bearer {till.key}", "accept-language": "en"})
    stranger = Client(headers={"authorization": f"Bearer {TillFactory.create().key}"})

    answer = client.get(f"/api/v1/events/{reviewed[1].pk}/why").json()

    assert answer["awards"] == []
    assert {each["rule"]: each["reason"] for each in answer["unfired"]} == {"review": "times_day", "far": "store"}
    assert "at most once a day: already given" in [each["words"] for each in answer["unfired"]]
    assert stranger.get(f"/api/v1/events/{reviewed[1].pk}/why").status_code == 404
    assert client.get(f"/api/v1/events/{2**63}/why").status_code == 404
    assert Client().get(f"/api/v1/events/{reviewed[1].pk}/why").status_code == 401


def test_the_member_reads_what_brought_no_points_and_why_in_plain_words(wang, reviewed):
    user = open_account(member=wang, address=Address("phone", "+8613912345678"), now=NOW)
    phone = Client(headers={"accept-language": "zh-hans"})
    phone.force_login(user, BACKEND)

    with time_machine.travel(NOW, tick=False):
        page = phone.get("/points/none/").content.decode()

    assert page.count("评价礼") == 1
    assert "您已得到过" in page
    assert not [code for code in ("异店礼", "王府井店", "times_day", "BJ1") if code in page]
    assert "/points/none/" in phone.get("/points/").content.decode()
    assert "评价礼" in phone.get(f"/points/why/event/{reviewed[1].pk}/").content.decode()


def test_a_member_to_whom_everything_brought_points_reads_so(wang):
    user = open_account(member=wang, address=Address("phone", "+8613912345678"), now=NOW)
    phone = Client(headers={"accept-language": "en"})
    phone.force_login(user, BACKEND)

    assert "Everything that counts brought its points" in phone.get("/points/none/").content.decode()


def test_staff_read_at_an_event_why_rules_gave_nothing(reviewed):
    staff = Client(headers={"accept-language": "en"})
    staff.force_login(UserFactory.create(is_superuser=True, sees_all_stores=True))

    page = staff.get(f"/admin/loyalty/event/{reviewed[1].pk}/change/").content.decode()

    assert "No rule gave anything." in page
    assert "at most once a day: already given" in page
