"""Files of sales handed in: run by a worker, told row by row, refused with words."""

import gzip
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from loyalty.imports.models import BadRow, SaleImport
from loyalty.imports.tasks import run_sale_import, sweep_sale_imports
from members.purchases.models import Sale
from tests.factories import NOW
from tests.world import World, text_of

GOOD = "phone,date,amount\n13811111111,2026-01-05,12.00\n13822222222,2026-01-06,8.00\n13822222222,never,8.00\n"


def hand_in(world: World, content: bytes, **more) -> SaleImport | str:
    """Hand a file in as the manager does; the import, or the words of the page that refused it."""
    said = {"file": SimpleUploadedFile("../sales<b>.csv", content), "store": world.here.store.pk, "identity": ""} | more
    response = world.client("manager").post("/admin/loyalty/saleimport/add/", said)
    if response.status_code != 302:
        return text_of(response)
    return SaleImport.objects.get(pk=int(response["Location"].split("/")[-3]))


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress], ids=["plain", "gzip"])
def test_a_file_handed_in_is_run_by_a_worker_and_its_page_tells_how_far(world, pack):
    made = hand_in(world, pack(GOOD.encode()))
    assert made.status == "waiting"
    assert made.created_by == world.people["manager"]
    assert re.fullmatch(r"imports/[0-9a-f]{32}", made.file.name)
    client = world.client("manager")
    state = f"/admin/loyalty/saleimport/{made.pk}/state/"
    assert "every 2s" in client.get(state).content.decode()

    run_sale_import(made.pk)
    run_sale_import(made.pk)

    made.refresh_from_db()
    assert (made.status, made.sales, made.enrolled, made.bad_rows) == ("done", 2, 2, 1)
    done = client.get(state)
    assert "every 2s" not in done.content.decode()
    assert "100% read" in text_of(done)
    assert "never is not a date" in text_of(done)
    bad = b"".join(client.get(f"/admin/loyalty/saleimport/{made.pk}/bad-rows/").streaming_content).decode()
    assert bad.splitlines()[1].startswith("13822222222,never,8.00,4,")


def test_a_dry_run_writes_nothing(world):
    before = Sale.objects.count()

    made = hand_in(world, GOOD.encode(), is_dry_run="on")
    run_sale_import(made.pk)

    made.refresh_from_db()
    assert (made.status, made.sales) == ("done", 2)
    assert Sale.objects.count() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\x00\x00", "The file is no text"),
        (b"only,columns\n", "No column of the file says"),
        (b"", "empty"),
        (gzip.compress(GOOD.encode())[:40], "The file is no text"),
    ],
    ids=["a picture", "no date", "nothing", "half a gzip"],
)
def test_what_is_no_file_of_sales_is_refused_and_not_kept(world, settings, content, words):
    before = SaleImport.objects.count()
    kept = set(settings.MEDIA_ROOT.rglob("*"))

    assert words in hand_in(world, content)

    assert SaleImport.objects.count() == before
    assert {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()} <= kept


def test_a_file_that_is_too_large_is_refused_also_when_it_is_packed(world, monkeypatch):
    monkeypatch.setattr("loyalty.imports.forms.LARGEST_UNPACKED", 1_000_000)

    assert "too large" in hand_in(world, gzip.compress(b"phone,date,amount\n" + b"0" * 2_000_000))


def test_the_same_file_again_goes_on_with_the_import_that_was_stopped(world):
    first = hand_in(world, GOOD.encode())

    assert hand_in(world, GOOD.encode()) == first


def test_a_refusal_or_a_lost_file_ends_an_import_with_words(world):
    made = hand_in(world, GOOD.encode())
    made.file.storage.delete(made.file.name)

    run_sale_import(made.pk)

    made.refresh_from_db()
    assert (made.status, made.message) == ("failed", "文件已不存在。") or "not there any more" in made.message


def test_the_sweep_goes_on_with_an_import_whose_worker_is_gone(world, settings, monkeypatch):
    SaleImport.objects.update(finished_at=NOW)
    sent = []
    monkeypatch.setattr(
        "members.kit.uploads.current_app.send_task", lambda name, args, **_more: sent.append((name, args))
    )
    lost, held, read_by_hand = (SaleImport.objects.create(digest=n, name=n, store=world.here.store) for n in "abc")
    SaleImport.objects.filter(pk__in=[lost.pk, held.pk]).update(file="imports/x", status="running")
    SaleImport.objects.filter(pk=lost.pk).update(leased_until=NOW - timedelta(seconds=1))
    SaleImport.objects.filter(pk=held.pk).update(leased_until=NOW + timedelta(seconds=1))

    sweep_sale_imports()

    assert sent == [("loyalty.tasks.run_sale_import", [lost.pk])]
    assert read_by_hand.file.name == ""


def test_cells_of_bad_rows_are_only_for_those_who_see_contacts(world):
    made = world.here.objects["loyalty_saleimport"]
    address = f"/admin/loyalty/saleimport/{made.pk}/change/"
    assert BadRow.objects.filter(sale_import=made).exists()

    assert world.here.phone in text_of(world.client("manager").get(address))
    assert world.here.phone not in text_of(world.client("analyst").get(address))
