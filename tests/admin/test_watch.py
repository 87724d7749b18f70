"""What looks odd, and what the shop owes, at the desk: pages, files, and nothing of other stores."""

from datetime import timedelta

from django.utils import timezone

from loyalty.ledger.actions import redeem
from loyalty.ledger.models import Movement, PointKind
from loyalty.liability.actions import close_night, take_range
from loyalty.liability.models import LiabilityDay
from tests.factories import NOW
from tests.world import text_of


def spend_at_once(corner) -> None:
    earned = Movement.objects.of(corner.member).filter(account__kind__code="points").first()
    kind = PointKind.objects.get(code="points")
    at = earned.happened_at + timedelta(minutes=3)
    redeem(member=corner.member, kind=kind, points=1, key="reward:1", now=min(at, NOW))


def test_the_views_show_rows_of_ones_own_stores_with_links_and_a_file(world):
    for corner in (world.here, world.there):
        spend_at_once(corner)
    client = world.client("manager")

    page = client.get("/admin/loyalty/watch/")
    file = client.get("/admin/loyalty/watch/quick-spending.csv")

    lines = b"".join(file.streaming_content).decode()
    for text in (text_of(page), lines):
        assert world.here.member.number in text
        assert world.there.member.number not in text
    assert "/admin/loyalty/movement/" in page.content.decode()
    assert client.get("/admin/loyalty/watch/nothing.csv").status_code == 404


def test_the_liability_shows_after_a_night_with_charts_cohorts_and_files(world):
    LiabilityDay.objects.all().delete()
    PointKind.objects.filter(code="points").update(money_per_thousand=1_000)
    client = world.client("analyst")
    assert "after the next night" in text_of(client.get("/admin/loyalty/liabilityday/"))

    take_range(first=0, last=2**62, day=timezone.localdate())
    close_night(day=timezone.localdate())
    page = text_of(client.get("/admin/loyalty/liabilityday/"))
    cohorts = b"".join(client.get("/admin/loyalty/liabilityday/cohorts.csv").streaming_content).decode()
    journal = b"".join(client.get("/admin/loyalty/liabilityday/journal.csv").streaming_content).decode()

    assert "12,000" in page
    assert "2026-03,12000" in cohorts
    assert "Points liability,12000,,120.00" in journal


def test_the_liability_of_all_stores_is_not_for_those_who_see_some(world):
    assert world.client("manager").get("/admin/loyalty/liabilityday/").status_code == 403
    assert "Points liability" not in text_of(world.client("manager").get("/admin/"))
    assert "Points liability" in text_of(world.client("analyst").get("/admin/"))
