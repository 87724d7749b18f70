"""Staff read what is kept of budgets for open baskets, each amount in its budget's unit."""

import pytest

from loyalty.holds.actions import keep_budgets
from loyalty.limits.actions import open_budget
from tests.factories import NOW
from tests.world import text_of

DESK = "/admin/loyalty/budgethold/"


@pytest.mark.parametrize(
    ("language", "says"), [("en", "Prices CN¥5.00; Spring 1,200"), ("zh-hans", "让利 ¥5.00; 春节 1,200")]
)
def test_the_clerk_reads_what_a_hold_keeps_in_the_list_and_on_its_page(world, language, says):
    money = open_budget(code="cuts", name_zh="让利", name_en="Prices", total=9_000, is_for_prices=True)
    points = open_budget(code="tea-points", name_zh="春节", name_en="Spring", total=9_000)
    hold = keep_budgets(
        member=world.here.member, store=world.here.store, till=None, taken={money.pk: 500, points.pk: 1_200}, key="q",
        digest="", now=NOW,
    )  # fmt: skip
    clerk = world.client("clerk", language)

    for address in (DESK, f"{DESK}{hold.pk}/change/"):
        assert says in text_of(clerk.get(address))
