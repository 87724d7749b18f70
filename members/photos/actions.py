"""Verbs: keep a member's photo, take it away, with the files on disk."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from members.photos.models import Photo
from members.photos.rules import Pictures, made_anew
from members.profiles.actions import check_current
from members.profiles.models import Member


def photo_of(member: Member) -> Photo | None:
    """The member's photo, if there is one."""
    return Photo.objects.filter(member=member).first()


def keep_photo(*, member: Member, raw: BinaryIO, size: int, now: datetime) -> Photo:
    """Keep a photo of so many bytes, in place of the one before, whose files go.

    Raises MemberMerged, PhotoTooLarge, TooManyPixels or NotAPicture; then nothing was changed.
    """
    pictures = made_anew(raw, size)
    with written(pictures) as (whole, small), transaction.atomic():
        fresh = check_current(member)
        known = Photo.objects.filter(member=fresh).first()
        gone = files_of([known]) if known else []
        photo, _made = Photo.objects.update_or_create(
            member=fresh, defaults={"whole": whole, "small": small, "given_at": now}
        )
        transaction.on_commit(lambda: remove(gone))
    return photo


@contextmanager
def written(pictures: Pictures) -> Iterator[tuple[str, str]]:
    """Both sizes on disk; gone again when what follows fails."""
    stem = uuid4().hex
    names = [
        default_storage.save(f"photos/{stem}{ending}.jpg", ContentFile(content))
        for ending, content in (("", pictures.whole), ("-small", pictures.small))
    ]
    try:
        yield names[0], names[1]
    except BaseException:
        remove(names)
        raise


@transaction.atomic
def remove_photo(*, member: Member) -> None:
    """Take the photo away. A second time changes nothing. Raises MemberMerged."""
    fresh = check_current(member)
    gone = files_of(Photo.objects.filter(member=fresh))
    Photo.objects.filter(member=fresh).delete()
    transaction.on_commit(lambda: remove(gone))


def forget_photos(members: Sequence[int]) -> None:
    """Let the photos of these members go at once, from the disk first."""
    photos = Photo.objects.filter(member__in=members)
    remove(files_of(photos))
    photos.delete()


def files_of(photos: Iterable[Photo]) -> list[str]:
    return [name for photo in photos for name in (str(photo.whole.name), str(photo.small.name))]


def remove(names: Iterable[str]) -> None:
    """Delete files; those that are gone already do not matter."""
    for name in names:
        default_storage.delete(name)


def photos_told(members: Sequence[int]) -> list[dict[str, Any]]:
    """The photos of these members, to be taken along."""
    return [
        {"when": photo.given_at, "picture": as_text(photo)}
        for photo in Photo.objects.filter(member__in=members).order_by("pk")
    ]


def as_text(photo: Photo) -> str:
    """The photo as a data URL (RFC 2397); empty when its file is gone."""
    try:
        with photo.whole.open("rb") as raw:
            return f"data:image/jpeg;base64,{b64encode(raw.read()).decode()}"
    except FileNotFoundError:
        return ""
