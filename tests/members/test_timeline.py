"""One list of everything: in order, whole over its pages, and as cheap for ten thousand lines as for ten."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.messaging.models import Message
from members.notes.actions import write_note
from members.notes.models import Note
from members.purchases.models import Sale
from members.timeline.actions import page_of, sources_for
from members.timeline.rules import SOURCES, read_place
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

HOUR = timedelta(hours=1)


@pytest.fixture
def store(db):
    return StoreFactory.create()


@pytest.fixture
def wang(store):
    return MemberFactory.create(name="王芳", home_store=store, now=NOW - timedelta(days=900))


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", is_superuser=True)


def buy(member, store, number, at):
    return Sale.objects.create(
        member=member, store=store, receipt=f"R{number}", happened_at=at, currency="CNY", amount=number
    )


def whole(member, user, size, **more):
    """All lines, page by page, the place read back from its text as a link carries it."""
    lines, before = [], None
    while True:
        page = page_of(member=member, user=user, size=size, before=before, **more)
        lines += page.lines
        if page.older is None:
            return lines
        before = read_place(str(page.older))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_of_any_size_hold_every_line_once_in_order_also_at_one_moment(wang, store, owner, size):
    for number in range(6):
        buy(wang, store, number, NOW - (number // 3) * HOUR)
        write_note(member=wang, words=f"n{number}", by=owner, key=f"key-{number:05}", now=NOW - (number // 2) * HOUR)

    lines = whole(wang, owner, size)

    assert len({(line.source.code, line.pk) for line in lines}) == len(lines) == 6 + 6 + 1
    assert [line.place for line in lines] == sorted((line.place for line in lines), reverse=True)
    assert lines[-1].source.code == "joining"


def test_only_what_was_asked_for_comes(wang, store, owner):
    buy(wang, store, 1, NOW)
    write_note(member=wang, words="n", by=owner, key="key-00001", now=NOW)

    assert [line.source.code for line in whole(wang, owner, 5, wanted=["note"])] == ["note"]
    assert whole(wang, owner, 5, wanted=["nothing"]) == []


def test_nobody_reads_kinds_that_they_may_not_see(wang, store):
    analyst = UserFactory.create(username="analyst", role="analyst", sees_all_stores=True)
    writer = UserFactory.create(username="writer")
    buy(wang, store, 1, NOW)
    write_note(member=wang, words="secret", by=writer, key="key-00001", now=NOW)

    assert "note" not in {source.code for source in sources_for(analyst)}
    assert {line.source.code for line in whole(wang, analyst, 5)} == {"sale", "joining"}
    assert [line.source.code for line in whole(wang, analyst, 5, wanted=["note"])] == []


def test_a_strangers_rows_never_show(wang, store, owner):
    li = MemberFactory.create(name="李雷", home_store=store, now=NOW - timedelta(days=900))
    buy(li, store, 1, NOW)

    assert [line.source.code for line in whole(wang, owner, 5)] == ["joining"]


def test_ten_thousand_lines_take_as_many_statements_as_ten(wang, store, owner):
    def statements():
        with CaptureQueriesContext(connection) as seen:
            page = page_of(member=wang, user=owner)
        return len(seen), page

    for number in range(5):
        buy(wang, store, number, NOW - number * HOUR)
        write_note(member=wang, words="n", by=owner, key=f"key-{number:05}", now=NOW)
    few, _page = statements()
    Sale.objects.bulk_create(
        Sale(member=wang, store=store, receipt=f"B{n}", happened_at=NOW - n * HOUR, currency="CNY", amount=n)
        for n in range(5_000)
    )
    Note.objects.bulk_create(
        Note(member=wang, words="n", written_by=owner, written_at=NOW - n * HOUR, key=f"many-{n}") for n in range(5_000)
    )
    many, page = statements()

    assert many <= few <= 3 * len(SOURCES)
    assert len(page.lines) == 20
    assert page.older is not None


@pytest.mark.parametrize(
    "text", ["", "~", "2026-01-01~sale~1", "now~sale~1", "2026-13-01T00:00:00+00:00~sale~1",
             "2026-01-01T00:00+00:00~s~x", f"2026-01-01T00:00:00+00:00~sale~{'9' * 30}"]
)  # fmt: skip
def test_a_place_that_is_none_is_read_as_none(text):
    assert read_place(text) is None


def test_what_the_shop_wrote_shows_with_its_subject_and_what_became_of_it(wang, owner):
    assert Message.objects.of(wang).count() == 0
    Message.objects.create(
        member=wang, channel="sms", purpose="care", template="points_earned", key="k", status="suppressed",
        reason="no consent", context={"points": 5, "balance": 9}, due_at=NOW,
    )  # fmt: skip

    line = page_of(member=wang, user=owner).lines[0]

    assert line.source.code == "message"
    assert "5" in line.shown.words
    assert "no consent" in line.shown.more
    assert line.shown.tone == "warn"
