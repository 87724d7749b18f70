"""At the counter: the till card, the list of everything, and notes through both of them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.notes.actions import write_note
from members.notes.models import Note
from tests.factories import NOW
from tests.world import text_of

PAGES = ["card", "timeline"]
SAID = {"words": "Prefers the corner seat", "key": "form-0001"}


def address(member, page):
    return f"/admin/members/member/{member.pk}/{page}/"


def test_the_card_says_who_what_matters_and_what_to_say(world):
    words = text_of(world.client("clerk").get(address(world.here.member, "card")))

    assert "王小明" in words
    assert "Gold" in words
    assert "6,000" in words
    assert "window, by 9 Mar 2026" in words
    assert "What matters now" in words
    assert "138" not in words


@pytest.mark.parametrize("page", PAGES)
def test_a_note_is_written_where_one_reads_and_leads_back(world, page):
    client, member = world.client("clerk"), world.here.member

    for _twice in range(2):
        answer = client.post(address(member, page), SAID | {"due_on": "2026-03-20"})
        assert answer.status_code == 302
        assert answer["Location"] == address(member, page)

    note = Note.objects.get(words=SAID["words"])
    assert (note.member, note.written_by.username, note.due_on.isoformat()) == (member, "clerk", "2026-03-20")
    assert SAID["words"] in text_of(client.get(address(member, page)))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("said", "why"),
    [({"words": " "}, "The note is empty"), ({"due_on": "2020-01-01"}, "does not"), ({"due_on": "soon"}, "valid date")],
)
def test_what_cannot_be_written_says_why_and_keeps_the_words(world, page, said, why):
    before = Note.objects.count()

    answer = world.client("clerk").post(address(world.here.member, page), SAID | said)

    assert answer.status_code == 200
    assert why in text_of(answer)
    assert (SAID | said)["words"].strip() in answer.content.decode()
    assert Note.objects.count() == before


@pytest.mark.parametrize(("who", "status"), [("clerk", 404), ("analyst", 403), ("marketer", 403)])
@pytest.mark.parametrize("page", PAGES)
def test_nobody_writes_about_members_whom_they_do_not_serve(world, page, who, status):
    before = Note.objects.count()

    answer = world.client(who).post(address(world.there.member, page), SAID)

    assert answer.status_code == status
    assert Note.objects.count() == before


def test_a_task_is_done_reopened_and_withdrawn_at_its_page(world):
    client, note = world.client("clerk"), world.here.objects["members_note"]
    page = f"/admin/members/note/{note.pk}/"

    assert "Not done after all" in text_of(client.post(f"{page}done/", follow=True))
    assert Note.objects.get(pk=note.pk).done_by.username == "clerk"
    assert "It is done" in text_of(client.post(f"{page}reopen/", follow=True))
    assert client.post(f"{page}withdraw/").status_code == 403
    assert Note.objects.get(pk=note.pk).words == "window"
    assert world.client("manager").post(f"{page}withdraw/").status_code == 302
    assert Note.objects.get(pk=note.pk).words == ""


@pytest.mark.parametrize("verb", ["done", "reopen", "withdraw"])
def test_a_note_of_another_store_is_not_there(world, verb):
    note = world.there.objects["members_note"]

    assert world.client("manager").post(f"/admin/members/note/{note.pk}/{verb}/").status_code == 404

    note.refresh_from_db()
    assert (note.done_at, note.words) == (None, "window")


def test_the_list_of_tasks_shows_what_is_late_first(world):
    clerk, member = world.people["clerk"], world.here.member
    write_note(member=member, words="later", by=clerk, key="form-0003", now=NOW, due_on=NOW.date() + timedelta(days=9))
    write_note(member=member, words="plain", by=clerk, key="form-0004", now=NOW)

    words = text_of(world.client("clerk").get("/admin/members/note/?state=open"))

    assert words.index("window") < words.index("later")
    assert "plain" not in words


def test_the_list_of_everything_shows_what_was_ticked_and_goes_on(world):
    client, member = world.client("manager"), world.here.member
    everything = text_of(client.get(address(member, "timeline")))
    assert "Silver" in everything or "Gold" in everything
    assert "window" in everything

    only = client.get(address(member, "timeline"), {"show": "note"}).content.decode()
    assert (
        only.count("<li") - client.get(address(member, "timeline"), {"show": "none"}).content.decode().count("<li") == 1
    )

    part = client.get(address(member, "timeline"), {"show": "note"}, headers={"hx-request": "true"}).content.decode()
    assert "<html" not in part
    assert "window" in part


def test_a_members_page_takes_at_most_25_statements(world):
    client = world.client("owner")
    page = f"/admin/members/member/{world.here.member.pk}/change/"
    client.get(page)

    with CaptureQueriesContext(connection) as seen:
        assert client.get(page).status_code == 200

    assert len(seen) <= 25, "\n".join(each["sql"][:160] for each in seen)
