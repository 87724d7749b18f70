"""Photos: checked by content, made anew, seen by few, gone from disk."""

import io
import struct
import zlib

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from loyalty.merging.actions import merge_members
from members.kit.traits import TRAITS, Asking, Question
from members.photos.actions import keep_photo, photo_of, remove_photo
from members.photos.models import Photo
from members.photos.rules import LARGEST_FILE, NotAPicture, PhotoTooLarge, TooManyPixels, made_anew
from members.privacy.actions import erase
from members.privacy.panels import told
from members.profiles.actions import MemberMerged
from members.profiles.models import Member
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory, a_picture


@pytest.fixture(autouse=True)
def a_disk(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def wang(db):
    member = MemberFactory.create(name="王芳", phone="13800000001", home_store=StoreFactory.create())
    member.user = UserFactory.create(username="w", is_staff=False)
    member.save(update_fields=["user"])
    return member


@pytest.fixture
def owner(db):
    return UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)


def on_disk():
    return len(default_storage.listdir("photos")[1]) if default_storage.exists("photos") else 0


def keep(member, raw=None):
    return keep_photo(member=member, raw=raw or a_picture(), size=100, now=NOW)


def a_bomb():
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_made_anew_in_two_sizes(form):
    made = made_anew(a_picture((3_000, 1_500), form), 100)

    whole, small = (Image.open(io.BytesIO(each)) for each in (made.whole, made.small))
    assert (whole.format, whole.size, small.format, small.size) == ("JPEG", (1024, 512), "JPEG", (192, 192))


def test_nothing_hidden_is_kept_and_the_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretCamera"  # turned by a quarter, by this maker
    raw = a_picture((400, 200), exif=exif, comment=b"hello from home")

    made = made_anew(raw, 100)

    picture = Image.open(io.BytesIO(made.whole))
    assert picture.size == (200, 400)
    assert not picture.getexif()
    assert b"Secret" not in made.whole
    assert b"hello" not in made.whole


def test_what_is_clear_becomes_white():
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")

    made = made_anew(out, 100)

    assert Image.open(io.BytesIO(made.whole)).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("content", "size", "refusal"),
    [
        (b"", 0, NotAPicture),
        (b"<svg onload=alert(1)>", 20, NotAPicture),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", 14, NotAPicture),
        (a_picture().getvalue()[:200], 200, NotAPicture),
        (a_picture((64, 64), "PNG").getvalue()[:60], 60, NotAPicture),
        (a_picture().getvalue(), LARGEST_FILE + 1, PhotoTooLarge),
        (a_bomb(), 100, TooManyPixels),
    ],
    ids=["nothing", "markup", "gif", "half a jpeg", "half a png", "too large", "bomb"],
)
def test_what_is_no_photo_is_refused_and_the_old_one_stands(wang, content, size, refusal):
    before = keep(wang)

    with pytest.raises(refusal):
        keep_photo(member=wang, raw=io.BytesIO(content), size=size, now=NOW)

    assert photo_of(wang).whole.name == before.whole.name
    assert on_disk() == 2


def test_another_photo_takes_the_place_and_the_files_before_it_go(wang, django_capture_on_commit_callbacks):
    keep(wang)

    with django_capture_on_commit_callbacks(execute=True):
        keep(wang, a_picture((90, 90)))
    assert on_disk() == 2
    with django_capture_on_commit_callbacks(execute=True):
        remove_photo(member=wang)
        remove_photo(member=wang)

    assert on_disk() == 0
    assert photo_of(wang) is None


def test_who_lives_on_in_another_gets_no_photo_and_leaves_no_file(wang, owner):
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store)
    keep(twin)
    merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)
    assert photo_of(wang) is not None

    with pytest.raises(MemberMerged):
        keep(twin)

    assert on_disk() == 2


def test_an_erasure_takes_it_from_the_disk(wang, owner):
    keep(wang)
    twin = MemberFactory.create(name="王方", phone="13900000002", home_store=wang.home_store)
    keep(twin)
    merge_members(survivor=wang, duplicate=twin, choices={}, by=owner, reason="same", key="m", now=NOW)

    erase(member=wang, by=owner, reason="asked", now=NOW)

    assert on_disk() == 0
    assert not Photo.objects.exists()


def test_it_can_be_taken_along_and_asked_for(wang):
    keep(wang)
    MemberFactory.create(name="李强")

    rows = next(each.rows for each in told(wang) if each.model == "members.Photo")
    question = TRAITS["has_photo"].answer(Question("yes"), Asking(NOW))

    assert rows[0]["picture"].startswith("data:image/jpeg;base64,/9j/")
    assert [member.name for member in Member.objects.filter(question)] == ["王芳"]


def upload(content=None):
    return SimpleUploadedFile("me.jpg", content or a_picture((300, 300)).getvalue(), "image/jpeg")


def test_members_give_change_and_take_away_theirs(client, wang):
    client.force_login(wang.user)
    assert client.get("/me/photo.jpg").status_code == 404
    bad = client.post("/me/photo/", {"photo": upload(b"MZ this is a program")})
    assert bad.context["form"].errors.keys() == {"photo"}
    assert client.post("/me/photo/", {}).status_code == 200
    assert on_disk() == 0

    assert client.post("/me/photo/", {"photo": upload()}).status_code == 302
    answer = client.get("/me/photo.jpg?small=1")

    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert Image.open(io.BytesIO(answer.content)).size == (192, 192)
    client.post("/me/photo/", {"remove": "1"})
    assert client.get("/me/photo.jpg").status_code == 404


def test_only_those_who_may_see_the_member_see_the_photo(client, wang):
    keep(wang)
    page = f"/admin/members/member/{wang.pk}/photo"
    clerk = UserFactory.create(username="clerk", role="clerk", stores=[wang.home_store])
    client.force_login(clerk)
    assert client.get(f"{page}.jpg").status_code == 200
    assert client.post(f"{page}/", {"photo": upload()}).status_code == 403
    assert client.post(f"{page}/", {"remove": "1"}).status_code == 403
    client.force_login(UserFactory.create(username="far", role="manager", stores=[StoreFactory.create()]))
    assert client.get(f"{page}.jpg").status_code == 404
    client.force_login(wang.user)
    assert client.get(f"{page}.jpg").status_code == 302
    client.logout()
    assert client.get("/me/photo.jpg").status_code == 302

    client.force_login(UserFactory.create(username="manager", role="manager", stores=[wang.home_store]))
    assert client.post(f"{page}/", {"photo": upload(b"no")}).status_code == 200
    assert client.post(f"{page}/", {"photo": upload()}).status_code == 302
    assert client.post(f"{page}/", {"remove": "1"}).status_code == 302
    assert photo_of(wang) is None


def test_a_file_that_is_lost_is_not_found(client, wang):
    photo = keep(wang)
    default_storage.delete(photo.whole.name)
    client.force_login(wang.user)

    assert client.get("/me/photo.jpg").status_code == 404
    assert next(each.rows for each in told(wang) if each.model == "members.Photo")[0]["picture"] == ""
