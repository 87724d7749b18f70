"""Files of members handed in: columns named, tried, taken in by a worker, refused with words."""

import gzip
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from members.kit.uploads import LEASE
from members.profiles.models import Identity, Member
from members.roster.models import RosterImport
from members.roster.tasks import run_roster_import, sweep_rosters
from tests.factories import NOW
from tests.members.test_roster import sheet
from tests.world import World, text_of

GOOD = "手机,称呼\n13811111111,Anna\n13822222222,Ben\nnever,Carl\n"


def hand_in(world: World, content: bytes, name: str = "../members<b>.csv", who: str = "manager") -> RosterImport | str:
    """Hand a file in; what stands for it, or the words of the page that refused it."""
    said = {"file": SimpleUploadedFile(name, content), "store": world.here.store.pk}
    response = world.client(who).post("/admin/members/rosterimport/add/", said)
    if response.status_code != 302:
        return text_of(response)
    return RosterImport.objects.get(pk=int(response["Location"].split("/")[-3]))


def begin(world: World, made: RosterImport, *meaning: str, do: str = "try", who: str = "manager"):
    said = {f"column-{at}": each for at, each in enumerate(meaning)} | {"do": do}
    return world.client(who).post(f"/admin/members/rosterimport/{made.pk}/begin/", said, follow=True)


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress], ids=["plain", "gzip"])
def test_a_file_is_looked_at_tried_and_taken_in_and_its_page_tells_how_far(world, pack):
    before = Member.objects.count()
    made = hand_in(world, pack(GOOD.encode()), "members.gz")
    page = f"/admin/members/rosterimport/{made.pk}/change/"
    client = world.client("manager")
    assert (made.status, made.meaning, made.rows_total) == ("draft", ["phone", ""], 3)
    assert re.fullmatch(r"imports/[0-9a-f]{32}", made.file.name)
    assert "13811111111 · 13822222222 · never" in text_of(client.get(page))

    begin(world, made, "phone", "name")
    assert "every 2s" in client.get(page).content.decode()
    run_roster_import(made.pk)
    run_roster_import(made.pk)

    assert Member.objects.count() == before
    assert "never is not a phone number" in text_of(client.get(page))
    assert "Anna" in text_of(client.get(f"{page}?show=enrolled"))

    begin(world, made, "phone", "name", do="take")
    run_roster_import(made.pk)

    made.refresh_from_db()
    assert (made.status, made.enrolled, made.bad_rows, Member.objects.count()) == ("done", 2, 1, before + 2)
    assert Identity.objects.get(value="+8613811111111").member.name == "Anna"
    done = client.get(f"/admin/members/rosterimport/{made.pk}/state/")
    assert "every 2s" not in done.content.decode()
    assert "3 of 3 rows read" in text_of(done)
    bad = b"".join(client.get(f"/admin/members/rosterimport/{made.pk}/bad-rows/").streaming_content).decode()
    assert bad.splitlines()[1].startswith("never,Carl,4,")


def test_columns_that_find_nobody_are_refused_beside_the_file_and_nothing_begins(world):
    made = hand_in(world, GOOD.encode())

    assert "by which members are found" in text_of(begin(world, made, "", "name"))

    made.refresh_from_db()
    assert made.status == "draft"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"\x89PNG\x00\x00", "a.csv", "The file is no text"),
        (b"", "a.csv", "empty"),
        (gzip.compress(GOOD.encode())[:40], "a.gz", "The file is no text"),
        (GOOD.encode(), "a.xlsx", "not what its name says"),
        (sheet(["phone"], ["1"]), "a.csv", "not what its name says"),
        (sheet(["phone"], ["1"]), "a.xlsm", "not what its name says"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "not what its name says"),
        (GOOD.encode(), "a.exe", "not what its name says"),
    ],
    ids=["a picture", "nothing", "half a gzip", "no workbook", "a workbook as CSV", "macros", "old", "a program"],
)
def test_what_is_no_file_of_members_is_refused_and_not_kept(world, settings, content, name, words):
    before = RosterImport.objects.count()
    kept = set(settings.MEDIA_ROOT.rglob("*"))

    assert words in hand_in(world, content, name)

    assert RosterImport.objects.count() == before
    assert {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()} <= kept


def test_a_file_that_is_too_large_is_refused_also_when_it_is_packed(world, monkeypatch):
    monkeypatch.setattr("members.roster.forms.LARGEST_UNPACKED", 1_000_000)

    assert "too large" in hand_in(world, gzip.compress(b"phone,name\n" + b"0" * 2_000_000), "a.gz")


@pytest.mark.parametrize(("who", "status"), [("clerk", 403), ("analyst", 403), ("marketer", 403)])
def test_only_those_who_may_hand_in_begin_and_stop(world, who, status):
    made = world.here.objects["members_rosterimport"]
    before = RosterImport.objects.values().get(pk=made.pk)

    for word in ("begin", "cancel"):
        assert world.client(who).post(f"/admin/members/rosterimport/{made.pk}/{word}/").status_code == status

    assert RosterImport.objects.values().get(pk=made.pk) == before


def test_a_manager_begins_and_stops_nothing_of_another_store(world):
    theirs = world.there.objects["members_rosterimport"]
    before = RosterImport.objects.values().get(pk=theirs.pk)

    for word in ("begin", "cancel"):
        answer = world.client("manager").post(f"/admin/members/rosterimport/{theirs.pk}/{word}/")
        assert answer.status_code == 404

    assert RosterImport.objects.values().get(pk=theirs.pk) == before


def test_the_sweep_goes_on_with_a_file_whose_worker_is_gone(world, monkeypatch):
    RosterImport.objects.all().delete()
    sent = []
    monkeypatch.setattr("members.kit.uploads.current_app.send_task", lambda name, args, **_more: sent.append(args))
    lost, held, draft = (hand_in(world, GOOD.encode()) for _number in range(3))
    RosterImport.objects.filter(pk__in=[lost.pk, held.pk]).update(status="running")
    RosterImport.objects.filter(pk=lost.pk).update(leased_until=NOW - timedelta(seconds=1))
    RosterImport.objects.filter(pk=held.pk).update(leased_until=NOW + LEASE)

    sweep_rosters()

    assert sent == [[lost.pk]]
    assert draft.status == "draft"
