"""Lists of members as files: what their reader may see, harmless in a spreadsheet, read back as they were."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import translation
from openpyxl import load_workbook

from members.extracts import actions
from members.extracts.actions import EmptyList, ListTooLong, UnknownFormat, ask, forget, rows_for
from members.extracts.models import Extract
from members.extracts.tasks import run_extract, sweep_extracts
from members.kit.tables import rows_of, write_rows
from members.kit.uploads import cancel
from members.profiles.models import CustomField, Member
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory
from tests.members.test_roster import everything, take

pytestmark = pytest.mark.django_db


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
    return UserFactory.create(sees_all_stores=True, is_superuser=True)


def written(made: Extract) -> Extract:
    run_extract(made.pk)
    return Extract.objects.get(pk=made.pk)


def asked(by, kind="csv", members=None) -> Extract:
    found = Member.objects.all() if members is None else members
    return ask(members=found, name="all", format=kind, by=by)


def table(made: Extract) -> list[list[str]]:
    with made.file.open("rb") as raw, rows_of(raw) as rows:
        return [cells for _line, cells in rows]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_list_taken_away_and_handed_in_changes_nothing(lane, owner, kind, language):
    CustomField.objects.create(code="taste", name_zh="口味", name_en="Taste", kind="text")
    CustomField.objects.create(code="vegan", name_zh="素食", name_en="Vegan", kind="yes_no")
    MemberFactory.create(
        name="=cmd|' /C calc'!A0", phone="13811111111", email="w@example.com", card="00017", wechat="o_-x",
        home_store=lane, birth_on=date(1990, 5, 21), custom={"taste": "'+甜", "vegan": True},
    )  # fmt: skip
    MemberFactory.create(name="@李雷", phone="13822222222", home_store=lane, language="en")
    before = everything()

    with translation.override(language):
        made = written(asked(owner, kind))
        done = take(Path(made.file.path).read_bytes(), StoreFactory.create(), owner)

    assert (made.status, made.written, made.wanted) == ("done", 2, [])
    assert (done.unchanged, done.enrolled, done.changed, done.bad_rows) == (2, 0, 0, 0)
    assert everything() == before


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_acts_as_a_formula(lane, owner, kind):
    MemberFactory.create(name="=1+1", phone="13811111111", home_store=lane)

    made = written(asked(owner, kind))

    raw = Path(made.file.path).read_bytes()
    if kind == "csv":
        cells = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))[1]
    else:
        row = list(load_workbook(io.BytesIO(raw)).active.rows)[1]
        assert {cell.data_type for cell in row if cell.value is not None} == {"s"}
        cells = [cell.value or "" for cell in row]
    assert cells[1] == "'=1+1"
    assert "'+8613811111111" in cells


def test_contacts_are_masked_for_those_who_do_not_see_them_in_full(lane):
    MemberFactory.create(name="王芳", phone="13811111111", email="wang@example.com", home_store=lane)
    analyst = UserFactory.create(role="analyst", sees_all_stores=True)

    text = "".join(write_rows(rows_for([Member.objects.get().pk], analyst)))

    assert "13811111111" not in text
    assert "wang@" not in text
    assert "王芳" in text


def test_a_member_who_left_the_readers_stores_meanwhile_is_not_written(lane):
    manager = UserFactory.create(role="manager", stores=[lane])
    MemberFactory.create(name="王芳", home_store=lane)
    gone = MemberFactory.create(name="欧阳", home_store=lane)
    made = asked(manager)
    Member.objects.filter(pk=gone.pk).update(home_store=StoreFactory.create())

    rows = table(written(made))

    assert [row[1] for row in rows[1:]] == ["王芳"]


@pytest.mark.parametrize(
    ("kind", "most", "refusal"), [("pdf", 9, UnknownFormat), ("csv", 0, ListTooLong), ("csv", 9, EmptyList)]
)
def test_what_cannot_be_written_is_refused_and_nothing_is_asked_for(lane, owner, kind, most, refusal, monkeypatch):
    if refusal is not EmptyList:
        MemberFactory.create(home_store=lane)
    monkeypatch.setattr(actions, "MOST_ROWS", most)

    with pytest.raises(refusal):
        asked(owner, kind)

    assert not Extract.objects.exists()


def test_a_stopped_list_leaves_no_file(lane, owner, monkeypatch, settings):
    monkeypatch.setattr(actions, "PORTION", 1)
    for _number in range(3):
        MemberFactory.create(home_store=lane)
    made = asked(owner)
    row_of = actions.row_of

    def stop_then_write(*arguments, **more):
        cancel(work=made)
        return row_of(*arguments, **more)

    monkeypatch.setattr(actions, "row_of", stop_then_write)

    done = written(made)

    assert (done.status, done.file.name) == ("cancelled", "")
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_a_list_is_written_once_however_often_it_is_handed_out(lane, owner):
    MemberFactory.create(home_store=lane)
    first = written(asked(owner))

    assert written(first).file.name == first.file.name


def test_files_are_removed_after_three_days(lane, owner):
    MemberFactory.create(home_store=lane)
    made = written(asked(owner))
    path = Path(made.file.path)
    assert forget(now=NOW + timedelta(days=3)) == 0
    assert path.exists()

    with time_machine.travel(NOW + timedelta(days=3, seconds=1), tick=False):
        sweep_extracts()

    assert not path.exists()
    assert Extract.objects.get().file.name == ""
