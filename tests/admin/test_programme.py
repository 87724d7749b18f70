"""The programme as a file, at the staff's door."""

from django.core.files.uploadedfile import SimpleUploadedFile

from loyalty.ledger.models import Programme
from loyalty.programme.actions import export_programme
from loyalty.programme.models import ProgrammeFile
from tests.world import text_of

LIST = "/admin/loyalty/programmefile/"


def test_an_owner_downloads_changes_reads_takes_in_and_brings_back(world):
    client = world.client("owner")
    text = client.get(f"{LIST}download/").content.decode()
    upload = SimpleUploadedFile("next.yaml", text.replace("return_days: 14", "return_days: 5").encode("utf-8-sig"))

    answer = client.post(f"{LIST}add/", {"upload": upload, "text": ""})

    file = ProgrammeFile.objects.latest("pk")
    assert answer.url == f"{LIST}{file.pk}/change/"
    shown = text_of(client.get(answer.url))
    assert "settings.return_days" in shown
    assert "Take it in" in shown
    assert Programme.objects.get().return_days == 14

    client.post(f"{LIST}{file.pk}/take-in/")
    assert Programme.objects.get().return_days == 5

    client.post(f"{LIST}{file.pk}/bring-back/")
    back = ProgrammeFile.objects.latest("pk")
    assert back.changes == [["settings.return_days", 5, 14]]
    client.post(f"{LIST}{back.pk}/take-in/")
    assert export_programme() == text


def test_problems_stand_on_the_page_and_nothing_is_taken_in(world):
    client = world.client("owner")
    client.post(f"{LIST}add/", {"text": "regulars_programme: 1\nsettings: {return_days: <b>many</b>}"})
    file = ProgrammeFile.objects.latest("pk")

    page = client.get(f"{LIST}{file.pk}/change/").content.decode()
    answer = client.post(f"{LIST}{file.pk}/take-in/", follow=True)

    assert "&lt;b&gt;many" in page
    assert "<b>many" not in page
    assert "Take it in" not in page
    assert "The file has problems" in text_of(answer)
    assert Programme.objects.get().return_days == 14


def test_what_cannot_be_read_is_said_beside_the_form(world):
    client = world.client("owner")
    binary = SimpleUploadedFile("x.yaml", b"\xff\xfe\x00")

    pages = [
        client.post(f"{LIST}add/", {"text": "rules: {"}),
        client.post(f"{LIST}add/", {"upload": binary}),
        client.post(f"{LIST}add/", {}),
    ]

    said = [text_of(page) for page in pages]
    assert "The file cannot be read" in said[0]
    assert "The file is no text in UTF-8" in said[1]
    assert "Hand in a file, or paste its text" in said[2]
    assert ProgrammeFile.objects.count() == 1  # the one that was there


def test_who_may_read_may_not_take_in(world):
    world.client("owner").post(f"{LIST}add/", {"text": "regulars_programme: 1\nsettings: {return_days: 5}"})
    file = ProgrammeFile.objects.latest("pk")
    marketer = world.client("marketer")

    assert "Take it in" not in text_of(marketer.get(f"{LIST}{file.pk}/change/"))
    for doing in ("take-in", "compare", "bring-back"):
        assert marketer.post(f"{LIST}{file.pk}/{doing}/").status_code == 403
    assert marketer.post(f"{LIST}add/", {"text": file.text}).status_code == 403
    assert world.client("clerk").get(f"{LIST}download/").status_code == 403

    assert Programme.objects.get().return_days == 14
    assert ProgrammeFile.objects.count() == 2
