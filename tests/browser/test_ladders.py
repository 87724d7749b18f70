"""Staff put a tier between silver and gold: draw, measure, read the matrix, publish, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty.earning.actions import record_sale
from loyalty.tasks import run_chunk
from loyalty.tiers.models import Ladder, Standing, Tier
from members.kit.models import Chunk
from members.purchases.rules import Receipt
from tests.browser.walk import WIDE, enter_admin, hire
from tests.factories import MemberFactory


@pytest.fixture
def people(transactional_db):
    """Two silver members, one of them with 3,000 growth."""
    now = timezone.now()
    members = [MemberFactory.create(name=name, now=now - timedelta(days=90)) for name in ("王芳", "李强")]
    for member, amount in zip(members, (150_000, 300_000), strict=True):
        receipt = Receipt(receipt=member.name, happened_at=now - timedelta(days=3), currency="CNY", amount=amount)
        record_sale(member=member, store=member.home_store, till=None, receipt=receipt, now=now)
    return members


def work():
    """What a worker does."""
    for chunk in Chunk.objects.unfinished().filter(slot__contains=":").values_list("pk", flat=True):
        run_chunk(chunk)


def test_a_tier_is_put_between_two_measured_and_published(open_browser, people, monkeypatch):
    monkeypatch.setattr("loyalty.whatif.actions.current_app.send_task", lambda *_names, **_more: None)
    hire("owner", is_superuser=True, sees_all_stores=True)
    page = open_browser("en-GB", WIDE)
    enter_admin(page, "owner")
    page.wait_for_selector("#find")

    page.goto("/admin/loyalty/ladderdraft/add/")
    page.fill("input[name=name]", "Pearl")
    page.select_option("select[name=ladder]", str(Ladder.objects.get().pk))
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Add another Tier Of A Draft").or_(
        page.locator("#tiers-group a.add-row, #tiers-group .add-row a")
    ).first.click()
    row = f"tiers-{Tier.objects.count()}"
    said = {"place": "25", "code": "pearl", "name_zh": "珍珠会员", "name_en": "Pearl", "threshold": "2500"}
    for name, value in (said | {"multiplier": "120"}).items():
        page.fill(f"input[name={row}-{name}]", value)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Run the what-if").click()
    page.wait_for_selector(".bar[role=progressbar]")
    work()
    page.wait_for_selector("table.matrix")
    cell = page.locator("table.matrix tbody tr").filter(has_text="Silver").locator("td.up")
    assert [words for words in cell.all_inner_texts() if "50.0%" in words] == ["1 50.0%"]
    page.get_by_role("link", name="Publish…").click()
    page.get_by_label("Judge everybody now").check()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_selector("text=A worker publishes it now")
    work()
    page.wait_for_selector("text=In force since")

    assert list(Standing.objects.order_by("member").values_list("tier__code", flat=True)) == ["silver", "pearl"]
