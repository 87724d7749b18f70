"""Marketing tries a draft of a ladder on the past, reads who would have stood where, takes the list as a file."""

import pytest

from loyalty.backtest.models import Backtest
from loyalty.tasks import run_chunk
from loyalty.tiers.models import Ladder
from loyalty.whatif.models import LadderDraft
from members.kit.models import Chunk
from tests.factories import NOW
from tests.world import text_of

DESK = "/admin/loyalty/backtest/"
DAYS = {"period": "own", "first": "2026-03-01", "last": "2026-03-09"}


@pytest.fixture
def draft(world) -> LadderDraft:
    """Gold, which both members hold, would begin at 7,000."""
    client = world.client("marketer")
    client.post("/admin/loyalty/ladderdraft/add/", {"ladder": Ladder.objects.get().pk, "name": "Pearls"})
    found = LadderDraft.objects.get(name="Pearls")
    found.tiers.filter(code="gold").update(threshold=7_000)
    return found


def work() -> None:
    """What a worker would do."""
    for chunk in Chunk.objects.unfinished().filter(slot__contains=":").values_list("pk", flat=True):
        run_chunk(chunk)


def test_a_draft_goes_from_its_page_to_the_list_of_who_would_have_stood_elsewhere(world, draft):
    client = world.client("marketer")
    page = f"{DESK}of-ladder/{draft.pk}/"
    assert page in client.get(f"/admin/loyalty/ladderdraft/{draft.pk}/change/").content.decode()
    asks = text_of(client.get(page))
    assert "Try “Pearls” on the past" in asks
    assert "Gold from 7,000 (points at 125%)" in asks
    assert "same days last year" not in asks

    asked = client.post(page, DAYS)
    made = Backtest.objects.latest("pk")
    assert asked["Location"] == f"{DESK}{made.pk}/change/"
    assert "every 2s" in client.get(f"{DESK}{made.pk}/change/").content.decode()
    work()

    said = text_of(client.get(f"{DESK}{made.pk}/change/"))
    assert "Would have stood lower 2" in said
    assert "Members looked at 4" in said
    assert "2 100.0%" in said
    assert "No sale of these days" not in said
    moves = text_of(client.get(f"{DESK}{made.pk}/moves/?before=gold&after=silver"))
    assert world.here.member.number in moves
    assert world.here.member.number not in text_of(client.get(f"{DESK}{made.pk}/moves/?before=silver"))
    file = b"".join(client.get(f"{DESK}{made.pk}/members.csv").streaming_content).decode()
    assert f"{world.here.member.number},here,gold,silver,1," in file
    assert "Pearls" in text_of(client.get(DESK))
    assert "all members" in text_of(client.get(page))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"last": "2026-02-01"}, "it ends before it begins"),
        ({"last": "2026-03-30"}, "has not come yet"),
        ({"first": "2026-01-01", "last": "2026-02-01"}, "The first sale that is known"),
        ({"segments": ["never"]}, "never is not one of the available choices"),
    ],
)
def test_what_cannot_be_looked_at_is_said_at_its_field(world, draft, said, words):
    before = Backtest.objects.count()

    answer = world.client("marketer").post(f"{DESK}of-ladder/{draft.pk}/", DAYS | said)

    assert words in text_of(answer)
    assert Backtest.objects.count() == before


def test_a_draft_that_is_no_ladder_leads_back_to_its_page(world, draft):
    draft.tiers.filter(code="gold").update(threshold=1_000)
    client = world.client("marketer")

    answer = client.get(f"{DESK}of-ladder/{draft.pk}/", follow=True)

    assert "have the same threshold" in text_of(answer)
    assert f"{DESK}of-ladder/" not in client.get(f"/admin/loyalty/ladderdraft/{draft.pk}/change/").content.decode()


def test_a_published_draft_keeps_its_results_and_is_not_tried_again(world, draft):
    client = world.client("marketer")
    client.post(f"{DESK}of-ladder/{draft.pk}/", DAYS)
    work()
    made = Backtest.objects.latest("pk")
    LadderDraft.objects.filter(pk=draft.pk).update(status="published", mode="keep", published_at=NOW)

    assert "Would have stood lower 2" in text_of(client.get(f"{DESK}{made.pk}/change/"))
    assert "Try it on another period" not in text_of(client.get(f"{DESK}{made.pk}/change/"))
    assert "no longer open" in text_of(client.get(f"{DESK}of-ladder/{draft.pk}/", follow=True))


def test_those_who_read_results_do_not_try(world, draft):
    before = Backtest.objects.count()

    answer = world.client("analyst").post(f"{DESK}of-ladder/{draft.pk}/", DAYS)

    assert (answer.status_code, Backtest.objects.count()) == (403, before)
