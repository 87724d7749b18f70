"""Files of members: read however they are written, tried, taken in once, resumed; what is known is never wiped."""

import gzip
import io
from datetime import date, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
import time_machine
from django.core.files.storage import default_storage
from openpyxl import Workbook

from members.kit import sheets
from members.kit.refusals import Refusal
from members.kit.tables import write_rows
from members.kit.uploads import cancel, take_lease
from members.profiles.models import CustomField, Identity, Member
from members.profiles.rules import normalise
from members.roster import actions
from members.roster.actions import AlreadyTaken, RowRepeats, StillGoing, bad_rows, begin, forget, hand_in, run
from members.roster.models import RosterImport, RosterRow
from members.roster.rules import NothingFinds, SaidTwice, UnknownMeaning
from members.roster.tasks import run_roster_import
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

pytestmark = pytest.mark.django_db
GOOD = "手机号,姓名,生日,门店\n13811111111,王芳,1990-05-21,lane\n13822222222,李雷,1988/3/8,\n"


@pytest.fixture(autouse=True)
def a_fixed_day(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lane():
    return StoreFactory.create(code="lane", name_zh="弄堂店", name_en="Lane")


@pytest.fixture
def owner():
    return UserFactory.create(sees_all_stores=True)


def look(content: bytes | str, store, by) -> RosterImport:
    """Hand a file in, as the form does."""
    raw = content.encode() if isinstance(content, str) else content
    name = default_storage.save("imports/x", io.BytesIO(raw))
    return hand_in(source=Path(default_storage.path(name)), file=name, name="members.csv", store=store, by=by)


def take(content: bytes | str, store, by, *, meaning=None, is_dry_run=False) -> RosterImport:
    made = look(content, store, by)
    begun = begin(roster=made, meaning=meaning or made.meaning, is_dry_run=is_dry_run)
    return run(roster=begun, source=Path(begun.file.path))


def sheet(*rows, **more) -> bytes:
    """A workbook of these rows."""
    book, raw = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for cells in more.get("merged", []):
        book.active.merge_cells(cells)
    book.save(raw)
    return raw.getvalue()


def everything() -> list:
    """All that an import may write."""
    return [
        list(Member.objects.order_by("pk").values()),
        list(Identity.objects.order_by("pk").values("member", "kind", "value")),
    ]


def codes(done: RosterImport) -> list[str]:
    return list(done.rows.bad().in_order().values_list("code", flat=True))


def test_a_file_enrols_who_is_new_with_all_that_it_says(lane, owner):
    other = StoreFactory.create()

    done = take(GOOD, other, owner)

    assert (done.status, done.enrolled, done.changed, done.bad_rows) == ("done", 2, 0, 0)
    wang = Identity.objects.get(value="+8613811111111").member
    assert (wang.name, wang.birth_on, wang.home_store, wang.source) == ("王芳", date(1990, 5, 21), lane, "import")
    assert Identity.objects.get(value="+8613822222222").member.home_store == other
    assert wang.enrolled_at == NOW


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_usual_encodings_delimiters_and_gzip_are_read_without_being_told(lane, owner, encoding, delimiter, pack):
    raw = GOOD.replace(",", delimiter).encode(encoding)

    done = take(gzip.compress(raw) if pack else raw, lane, owner)

    assert (done.enrolled, done.bad_rows) == (2, 0)
    assert Member.objects.filter(name="王芳").exists()


def test_a_workbook_is_read_with_its_numbers_and_days(lane, owner):
    book = sheet(
        ["Phone", "Name", "Birthday", "Card"],
        [13811111111, "Anna", datetime(1990, 5, 21), "00017"],
        [1.38222222220e10, "Ben", 33014, None],
        ["1.3833333333E+10", "Carl", "1990-05-21 00:00:00", 888.0],
        [None, None, None, None],
        ["13844444444.0", "Dora", date(1990, 5, 21), None],
    )

    done = take(book, lane, owner)

    assert (done.enrolled, done.bad_rows) == (4, 0)
    assert set(Identity.objects.values_list("value", flat=True)) == {
        "+8613811111111", "+8613822222222", "+8613833333333", "+8613844444444", "00017", "888",
    }  # fmt: skip
    assert set(Member.objects.values_list("birth_on", flat=True)) == {date(1990, 5, 21)}


def test_what_a_spreadsheet_spoilt_is_refused_row_by_row_with_the_reason(lane, owner):
    done = take(
        "phone,card,birthday,name\n1.38123E+10,,,a\n,6.22202E+18,,b\n#N/A,,,c\n13811111111,,1990-02-30,d\n"
        "13811111112,,2999-01-01,e\n13811111113,,05/21/1990,f\n,,,g\n13811111114\n",
        lane,
        owner,
    )

    assert codes(done) == [
        "rounded_number", "rounded_number", "broken_cell", "bad_birthday", "bad_birthday", "bad_birthday",
        "no_identity", "row_too_short",
    ]  # fmt: skip
    assert not Member.objects.exists()


def test_a_card_of_more_digits_than_a_workbook_keeps_is_refused(lane, owner):
    done = take(sheet(["card"], [6222021234567890123], [622202123456789]), lane, owner)

    assert codes(done) == ["rounded_number"]
    assert Identity.objects.get().value == "622202123456789"


def test_known_members_are_found_by_any_identity_and_learn_what_is_new(lane, owner):
    wang = MemberFactory.create(name="王芳", phone="13811111111", email="w@example.com", home_store=lane, now=NOW)

    done = take("email,phone,name\nW@example.com,13899999999,王小芳\n", StoreFactory.create(), owner)

    wang.refresh_from_db()
    assert (done.enrolled, done.changed, done.unchanged) == (0, 1, 0)
    assert (wang.name, wang.home_store, wang.enrolled_at) == ("王小芳", lane, NOW)
    assert set(wang.identities.values_list("value", flat=True)) == {"w@example.com", "+8613811111111", "+8613899999999"}


def test_an_empty_cell_never_wipes_what_is_known(lane, owner):
    CustomField.objects.create(code="taste", name_zh="口味", name_en="Taste", kind="text")
    CustomField.objects.create(code="size", name_zh="尺码", name_en="Size", kind="number")
    MemberFactory.create(
        name="王芳", phone="13811111111", home_store=lane, birth_on=date(1990, 1, 2), custom={"taste": "甜"}
    )

    done = take("phone,name,birthday,口味,Size,language\n13811111111,,,,38,\n", lane, owner)

    member = Member.objects.get()
    assert done.changed == 1
    assert (member.name, member.birth_on, member.custom) == ("王芳", date(1990, 1, 2), {"taste": "甜", "size": 38})


def test_the_same_file_a_second_time_changes_nothing(lane, owner):
    take(GOOD, lane, owner)
    before = everything()

    again = take(GOOD, lane, owner)

    assert (again.enrolled, again.changed, again.unchanged, again.bad_rows) == (0, 0, 2, 0)
    assert everything() == before


def test_a_trial_tells_row_by_row_what_would_happen_and_writes_nothing(lane, owner):
    MemberFactory.create(name="王芳", phone="13811111111", home_store=lane)
    before = everything()

    done = take("phone,name\n13811111111,王小芳\n13822222222,李雷\nx,y\n", lane, owner, is_dry_run=True)

    assert everything() == before
    assert (done.status, done.enrolled, done.changed, done.bad_rows) == ("done", 1, 1, 1)
    told = {row.line: (row.outcome, row.changes, row.code) for row in done.rows.in_order()}
    assert told == {
        2: ("changed", {"name": ["王芳", "王小芳"]}, ""),
        3: ("enrolled", {"name": ["", "李雷"], "phone": ["", "+8613822222222"]}, ""),
        4: ("bad", {}, "bad_phone"),
    }


def test_after_a_trial_the_same_file_is_taken_in_and_not_a_third_time(lane, owner):
    tried = take(GOOD, lane, owner, is_dry_run=True)

    done = run(roster=begin(roster=tried, meaning=tried.meaning, is_dry_run=False), source=Path(tried.file.path))

    assert (done.pk, done.enrolled, Member.objects.count()) == (tried.pk, 2, 2)
    assert not done.rows.exists()
    with pytest.raises(AlreadyTaken):
        begin(roster=done, meaning=done.meaning, is_dry_run=False)


def test_rows_that_contradict_each_other_or_what_we_know_are_refused(lane, owner):
    MemberFactory.create(phone="13811111111", home_store=lane)
    MemberFactory.create(phone="13822222222", email="b@example.com", card="C777", home_store=lane)
    before = everything()

    done = take(
        "phone,email,card,store\n13811111111,b@example.com,,\n13822222222,,,\n,,C777,\n13822222222,,,\n"
        "13833333333,,,nowhere\n",
        lane,
        owner,
    )

    assert codes(done) == ["two_members", "row_repeats", "row_repeats", "unknown_store"]
    assert done.rows.get(line=4).reason == str(RowRepeats(line=3))
    assert everything() == before


def test_a_manager_changes_nobody_of_another_store_and_names_no_other_store(lane):
    there = StoreFactory.create(code="there")
    MemberFactory.create(name="欧阳", phone="13811111111", home_store=there)
    manager = UserFactory.create(stores=[lane])
    before = everything()

    done = take("phone,name,store\n13811111111,x,\n13822222222,y,there\n", lane, manager)

    assert codes(done) == ["member_elsewhere", "unknown_store"]
    assert everything() == before


def test_who_was_merged_is_found_as_the_survivor(lane, owner):
    survivor = MemberFactory.create(name="王芳", phone="13811111111", home_store=lane)
    gone = MemberFactory.create(name="王芳", phone="13822222222", home_store=lane)
    Identity.objects.filter(member=gone).update(member=survivor)
    Member.objects.filter(pk=gone.pk).update(merged_into=survivor.pk)

    done = take("phone,name\n13822222222,王小芳\n", lane, owner)

    survivor.refresh_from_db()
    assert (done.changed, survivor.name) == (1, "王小芳")


def test_the_file_of_bad_rows_can_be_mended_and_handed_in(lane, owner):
    first = take("tel of them,who\n13811111111,Anna\noops,=Ben\n", lane, owner, meaning=["phone", "name"])
    table = "".join(write_rows(bad_rows(first)))
    assert "'=Ben" in table  # no formula for a spreadsheet

    second = look(table.replace("oops", "13822222222"), lane, owner)

    assert second.meaning == ["phone", "name", "", ""]  # as it was said of the file before
    done = run(roster=begin(roster=second, meaning=second.meaning, is_dry_run=False), source=Path(second.file.path))
    assert (done.enrolled, done.bad_rows) == (1, 0)
    assert Identity.objects.get(value="+8613822222222").member.name == "=Ben"


class Stopped(Exception):
    pass


def test_a_killed_import_goes_on_behind_the_last_chunk_and_still_knows_who_was_named(lane, owner, monkeypatch):
    monkeypatch.setattr(actions, "CHUNK", 2)
    made = look("phone,card\n13811111111,C111\n13822222222,\n13833333333,\n,C111\n", lane, owner)
    begun = begin(roster=made, meaning=made.meaning, is_dry_run=False)
    assert take_lease(work=begun, now=NOW)

    def stop(_roster):
        raise Stopped

    with pytest.raises(Stopped):
        run(roster=begun, source=Path(begun.file.path), watch=stop)
    assert Member.objects.count() == 2

    begun.refresh_from_db()
    assert not take_lease(work=begun, now=NOW)  # the first may still be alive
    done = run(roster=begun, source=Path(begun.file.path))

    assert (done.status, done.enrolled, done.rows_read, Member.objects.count()) == ("done", 3, 4, 3)
    assert codes(done) == ["row_repeats"]


def test_a_cancelled_import_stops_after_the_chunk_at_hand_and_keeps_it(lane, owner, monkeypatch):
    monkeypatch.setattr(actions, "CHUNK", 1)
    made = look(GOOD, lane, owner)
    begun = begin(roster=made, meaning=made.meaning, is_dry_run=False)

    done = run(roster=begun, source=Path(begun.file.path), watch=lambda each: cancel(work=each))

    assert (done.status, Member.objects.count()) == ("cancelled", 1)


def test_an_identity_taken_by_another_at_the_same_moment_is_found_there(lane, owner, monkeypatch):
    made = look("phone,card,name\n13811111111,C111,Anna\n", lane, owner)
    begun = begin(roster=made, meaning=made.meaning, is_dry_run=False)
    looked = actions.select_owners
    came = []

    def and_then_a_till_comes(identities):
        found = looked(identities)
        if not came:
            came.append(MemberFactory.create(name="", phone="13811111111", home_store=lane))
        return found

    monkeypatch.setattr(actions, "select_owners", and_then_a_till_comes)

    done = run(roster=begun, source=Path(begun.file.path))

    member = Member.objects.get()
    assert (done.enrolled, done.changed, member.pk, member.name) == (0, 1, came[0].pk, "Anna")
    assert member.identities.count() == 2


@pytest.mark.parametrize(
    ("meaning", "refusal"),
    [
        (["", "name", "", ""], NothingFinds),
        (["phone", "phone", "", ""], SaidTwice),
        (["phone", "points", "", ""], UnknownMeaning),
        (["phone", "custom.none", "", ""], UnknownMeaning),
        (["phone"], UnknownMeaning),
    ],
)
def test_columns_that_say_nothing_of_use_are_refused_and_nothing_begins(lane, owner, meaning, refusal):
    made = look(GOOD, lane, owner)

    with pytest.raises(refusal):
        begin(roster=made, meaning=meaning, is_dry_run=False)

    made.refresh_from_db()
    assert made.status == "draft"


def test_a_file_that_is_being_read_does_not_begin_again(lane, owner):
    made = look(GOOD, lane, owner)
    begin(roster=made, meaning=made.meaning, is_dry_run=True)

    with pytest.raises(StillGoing):
        begin(roster=made, meaning=made.meaning, is_dry_run=False)


def with_part(name: str, content: bytes = b"x", source: bytes | None = None) -> bytes:
    """A workbook with one more part in it."""
    raw = io.BytesIO(source or sheet(["phone"], ["13811111111"]))
    with ZipFile(raw, "a", 8) as packed:
        packed.writestr(name, content)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"phone\n", "empty_file"),
        (b"\x00\x01\x02", "unreadable_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_workbook"),
        (b"PK\x03\x04 broken", "unreadable_file"),
        (sheet(), "empty_file"),
        (sheet(["phone"]), "empty_file"),
        (sheet(["phone", "name"], ["1", "2"], merged=["A2:B2"]), "merged_cells"),
        (sheet(["x"] * 201, ["1"]), "too_many_columns"),
        ((",".join("x" * 201) + "\n1\n").encode(), "too_many_columns"),
        (with_part("xl/vbaProject.bin"), "unsafe_workbook"),
        (with_part("../../etc/passwd"), "unsafe_workbook"),
        (with_part("xl/bomb.xml", b"0" * 60_000_000), "unsafe_workbook"),
        (with_part("xl/laughs.xml", b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "a">]>'), "unsafe_workbook"),
    ],
    ids=[
        "nothing", "no rows", "bytes", "xls", "broken", "empty sheet", "no rows in the sheet", "merged", "wide sheet",
        "wide table", "macros", "a path", "a bomb", "entities",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_before_anything_is_written(lane, owner, content, code):
    with pytest.raises(Refusal) as refused:
        look(content, lane, owner)

    assert refused.value.code == code
    assert not RosterImport.objects.exists()


@pytest.mark.parametrize("content", [b"phone\n1\n2\n3\n", sheet(["phone"], ["1"], ["2"], ["3"])], ids=["csv", "xlsx"])
def test_more_rows_than_a_million_are_refused(lane, owner, content, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)

    with pytest.raises(sheets.TooManyRows):
        look(content, lane, owner)

    assert not RosterImport.objects.exists()


def test_a_cell_of_five_megabytes_is_one_bad_row(lane, owner):
    done = take("phone,name\n13811111111," + "x" * 5_000_000 + "\n13822222222,Ben\n", lane, owner)

    assert (codes(done), done.enrolled) == (["row_too_short"], 1)


def test_the_worker_ends_a_file_that_is_lost_with_words_and_leaves_drafts_alone(lane, owner):
    made = look(GOOD, lane, owner)
    run_roster_import(made.pk)
    made.refresh_from_db()
    assert made.status == "draft"
    begin(roster=made, meaning=made.meaning, is_dry_run=False)
    default_storage.delete(made.file.name)

    run_roster_import(made.pk)

    made.refresh_from_db()
    assert made.status == "failed"
    assert made.message
    assert not Member.objects.exists()


def test_files_and_reports_are_forgotten_after_thirty_days(lane, owner):
    done = take("phone\nx\n", lane, owner)
    path = Path(done.file.path)
    RosterImport.objects.update(created_at=NOW - timedelta(days=29))
    assert forget(now=NOW) == 0

    RosterImport.objects.update(created_at=NOW - timedelta(days=31))

    assert forget(now=NOW) == 1
    assert not path.exists()
    assert not RosterRow.objects.exists()
    assert RosterImport.objects.get().bad_rows == 1


def test_plain_mobiles_are_read_as_the_library_reads_them():
    def read(text: str) -> str | None:
        try:
            return normalise("phone", text, "CN")
        except Refusal:
            return None

    for begins in range(13000, 20000, 7):
        assert read(f"{begins}345678") == read(f" {begins}345678"), begins  # with the space the library is asked
