"""What colleagues write down: words, tasks, and how both end."""

from datetime import date, timedelta

import pytest

from members.kit.refusals import Refusal
from members.notes.actions import finish_task, reopen_task, withdraw_note, write_note
from members.notes.models import Note
from members.notes.rules import NotATask
from tests.factories import NOW, MemberFactory, UserFactory

TODAY = date(2026, 3, 9)


@pytest.fixture
def wang(db):
    return MemberFactory.create(name="王芳")


@pytest.fixture
def anna(db):
    return UserFactory.create(username="anna")


def write(member, by, words="Likes the seat by the window", key="form-0001", **more):
    return write_note(member=member, words=words, by=by, key=key, now=NOW, **more)


def test_a_note_sent_twice_is_written_once(wang, anna):
    first = write(wang, anna)

    assert write(wang, anna, words="something else").pk == first.pk

    assert [note.words for note in Note.objects.of(wang)] == ["Likes the seat by the window"]


@pytest.mark.parametrize(
    ("words", "due_on", "code"),
    [
        ("  \x00 ", None, "note_empty"),
        ("好" * 1_001, None, "note_too_long"),
        ("call", TODAY - timedelta(days=1), "day_out_of_reach"),
        ("call", TODAY + timedelta(days=1_099), "day_out_of_reach"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_cannot_be_written_is_refused_and_nothing_is(wang, anna, words, due_on, code, language, settings):
    settings.LANGUAGE_CODE = language

    with pytest.raises(Refusal) as refused:
        write(wang, anna, words=words, due_on=due_on)

    assert refused.value.code == code
    assert str(refused.value)
    assert not Note.objects.exists()


def test_a_task_is_done_once_and_can_be_reopened(wang, anna):
    boris = UserFactory.create(username="boris")
    task = write(wang, anna, words="call back", due_on=TODAY)
    assert list(Note.objects.due(TODAY)) == [task]

    finish_task(note=task, by=anna, now=NOW)
    finish_task(note=task, by=boris, now=NOW + timedelta(days=1))

    task.refresh_from_db()
    assert (task.done_by, task.done_at) == (anna, NOW)
    assert not Note.objects.open_tasks().exists()
    reopen_task(note=task)
    assert list(Note.objects.open_tasks()) == [task]


def test_a_plain_note_cannot_be_done_nor_a_withdrawn_task(wang, anna):
    plain, task = write(wang, anna), write(wang, anna, key="form-0002", due_on=TODAY)
    withdraw_note(note=task, now=NOW)

    for note in (plain, task):
        with pytest.raises(NotATask):
            finish_task(note=note, by=anna, now=NOW)

    assert not Note.objects.filter(done_at__isnull=False).exists()


def test_a_withdrawn_note_keeps_no_words(wang, anna):
    note = write(wang, anna)

    withdraw_note(note=note, now=NOW)
    withdraw_note(note=note, now=NOW + timedelta(days=1))

    note.refresh_from_db()
    assert (note.words, note.withdrawn_at) == ("", NOW)
    assert not Note.objects.standing().exists()
