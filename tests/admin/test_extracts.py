"""Lists of members taken away: as they are filtered, by those who may, read by whoever asked and nobody else."""

import pytest

from members.extracts import actions
from members.extracts.models import Extract
from members.extracts.tasks import run_extract
from tests.factories import MemberFactory
from tests.world import text_of

LIST = "/admin/members/member/take-away/"


def body(response) -> str:
    return b"".join(response.streaming_content).decode()


def test_a_short_list_comes_at_once_as_it_is_filtered_and_searched(world):
    MemberFactory.create(name="Anna", home_store=world.here.store, language="en")
    client = world.client("manager")

    everybody = body(client.post(LIST, {"format": "csv"}))
    english = body(client.post(f"{LIST}?language__exact=en", {"format": "csv"}))
    searched = body(client.post(f"{LIST}?q={world.here.phone[-4:]}", {"format": "csv"}))

    assert world.here.member.name in everybody
    assert world.here.phone in everybody
    assert world.there.member.name not in everybody
    assert "Anna" in english
    assert world.here.member.name not in english
    assert world.here.member.name in searched
    assert "Anna" not in searched


def test_a_segments_members_are_taken_away_within_the_readers_stores(world):
    segment = world.shared["members_segment"]

    text = body(world.client("manager").post(f"/admin/members/segment/{segment.pk}/take-away/", {"format": "csv"}))

    assert world.here.member.name in text
    assert world.there.member.name not in text


@pytest.mark.parametrize(("who", "in_full"), [("owner", True), ("manager", True), ("marketer", False)])
def test_contacts_are_as_the_reader_sees_them_elsewhere(world, who, in_full):
    text = body(world.client(who).post(LIST, {"format": "csv"}))

    assert (world.here.phone in text) == in_full
    assert world.here.member.name in text


@pytest.mark.parametrize("who", ["clerk", "service", "member"])
def test_others_take_nothing_away(world, who):
    before = Extract.objects.count()

    for address in (LIST, f"/admin/members/segment/{world.shared['members_segment'].pk}/take-away/"):
        response = world.client(who).post(address, {"format": "csv"})
        assert response.status_code in (302, 403)
        assert not response.streaming

    assert Extract.objects.count() == before
    assert "take-away" not in world.client("clerk").get("/admin/members/member/").content.decode()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_long_list_is_written_by_a_worker_and_fetched_by_whoever_asked(world, kind, monkeypatch):
    monkeypatch.setattr(actions, "AT_ONCE", 0)
    client = world.client("manager")

    page = client.post(LIST, {"format": kind})["Location"]
    made = Extract.objects.get(created_by=world.people["manager"])
    assert "every 2s" in client.get(page).content.decode()
    assert client.get(f"/admin/members/extract/{made.pk}/file/").status_code == 404
    run_extract(made.pk)

    assert "Download the file" in text_of(client.get(page))
    fetched = client.get(f"/admin/members/extract/{made.pk}/file/")
    assert fetched["Content-Disposition"] == f'attachment; filename="members-{made.pk}.{kind}"'
    assert b"".join(fetched.streaming_content)
    for who, status in (("owner", 404), ("marketer", 404), ("clerk", 403)):
        assert world.client(who).get(f"/admin/members/extract/{made.pk}/file/").status_code == status
        assert world.client(who).post(f"/admin/members/extract/{made.pk}/cancel/").status_code == status
    made.refresh_from_db()
    assert made.status == "done"


def test_an_unknown_format_is_refused_with_words(world):
    before = Extract.objects.count()

    response = world.client("owner").post(LIST, {"format": "pdf"}, follow=True)

    assert "There is no format pdf" in text_of(response)
    assert Extract.objects.count() == before


def test_a_list_that_is_being_written_can_be_stopped(world, monkeypatch):
    monkeypatch.setattr(actions, "AT_ONCE", 0)
    client = world.client("analyst")
    client.post(LIST, {"format": "csv"})
    made = Extract.objects.get(created_by=world.people["analyst"])

    client.post(f"/admin/members/extract/{made.pk}/cancel/")
    run_extract(made.pk)

    made.refresh_from_db()
    assert (made.status, made.file.name) == ("cancelled", "")
