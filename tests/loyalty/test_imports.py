"""Files of sales: every usual encoding and layout, bad rows told one by one, nothing twice, resumed after a stop."""

import gzip
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from loyalty.earning.models import Award
from loyalty.imports import actions
from loyalty.imports.actions import bad_rows, prepare_import, run_import
from loyalty.imports.models import SaleImport
from loyalty.imports.rules import ColumnMissing
from loyalty.ledger.actions import prove_range
from loyalty.ledger.models import Account, Movement
from members.kit.tables import EmptyFile, UnreadableFile, write_rows
from members.kit.uploads import cancel, take_lease
from members.messaging.models import Message
from members.profiles.models import Identity, Member
from members.purchases.models import Sale
from tests.factories import NOW, MemberFactory, StoreFactory

pytestmark = pytest.mark.django_db

GOOD = "customer,date,quantity,amount\n00001,2025-01-01,1,11.77\n00002,2025-01-12,1,12.00\n00002,2025-01-12,5,77.00\n"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def take(source: Path, **more) -> SaleImport:
    prepared = prepare_import(
        source=source,
        name=source.name,
        store=more.pop("store", None) or StoreFactory.create(),
        mapping=more.pop("mapping", {}),
        **more,
    )
    return run_import(sale_import=prepared, source=source)


def test_a_file_becomes_members_sales_and_points_judged_at_their_own_moment(tmp_path):
    done = take(write(tmp_path / "sales.csv", GOOD))

    assert (done.status, done.sales, done.enrolled, done.bad_rows) == ("done", 3, 2, 0)
    assert sorted(Sale.objects.values_list("amount", flat=True)) == [1177, 1200, 7700]
    second = Identity.objects.get(kind="card", value="00002").member
    assert second.enrolled_at == datetime(2025, 1, 12, tzinfo=SHANGHAI)
    assert second.source == Member.Source.IMPORT
    assert Account.objects.get(member=second, kind__code="points").active == 12 + 77
    assert set(Movement.objects.of(second).values_list("happened_at", flat=True)) == {second.enrolled_at}
    assert not Message.objects.exists()
    assert prove_range(first=0, last=2**62, now=NOW) == 0


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_usual_encodings_delimiters_and_gzip_are_read_without_being_told(tmp_path, encoding, delimiter, pack):
    text = "手机号,消费日期,金额,小票号,商品\n139 1234 5678,2025/3/8,￥28.50,A-1,桂花拿铁\n".replace(",", delimiter)
    source = tmp_path / "sales.csv"
    source.write_bytes(gzip.compress(text.encode(encoding)) if pack else text.encode(encoding))

    done = take(source)

    assert (done.sales, done.bad_rows) == (1, 0)
    sale = Sale.objects.get()
    assert (sale.amount, sale.receipt, sale.lines.get().name) == (2850, "A-1", "桂花拿铁")
    assert sale.member.identities.get().value == "+8613912345678"


def test_the_same_file_a_second_time_changes_nothing(tmp_path):
    store = StoreFactory.create()
    source = write(tmp_path / "sales.csv", GOOD)
    take(source, store=store)
    before = (Sale.objects.count(), Movement.objects.count(), Member.objects.count(), Award.objects.count())

    again = take(source, store=store)

    assert (again.sales, again.repeats, again.enrolled) == (0, 3, 0)
    assert (Sale.objects.count(), Movement.objects.count(), Member.objects.count(), Award.objects.count()) == before


def test_equal_rows_are_sales_of_their_own_and_stay_so_when_imported_again(tmp_path):
    store = StoreFactory.create()
    source = write(tmp_path / "sales.csv", "customer,date,amount\n" + "C777,2025-01-01,9.00\n" * 3)

    first, second = take(source, store=store), take(source, store=store)

    assert (first.sales, second.sales, second.repeats) == (3, 0, 3)


def test_bad_rows_are_told_with_line_and_reason_and_the_rest_is_taken(tmp_path):
    bad = [
        "C001,2025-13-01,1,5.00", "C001,2025-01-01,1,-5.00", "C001,2025-01-01,1,5.005", "C001,2025-01-01,1,NaN",
        "C001,2025-01-01,x,5.00", "C001,2025-01-01,0,5.00", "C001,2999-01-01,1,5.00", "C001",
        ",2025-01-01,1,5.00", "C001,2025-01-01,1,99999999999999", "C001,2025-01-01,1,",
    ]  # fmt: skip
    source = write(tmp_path / "sales.csv", GOOD + "\n".join(bad) + "\nC009,2025-01-01,1,1.00\n")

    done = take(source)

    assert (done.sales, done.bad_rows) == (4, len(bad))
    assert list(done.rejects.order_by("line").values_list("line", flat=True)) == list(range(5, 5 + len(bad)))
    assert [row.code for row in done.rejects.order_by("line")] == [
        "bad_moment", "bad_amount", "bad_amount", "bad_amount", "bad_quantity", "bad_quantity", "sale_in_future",
        "row_too_short", "bad_identity", "bad_amount", "bad_amount",
    ]  # fmt: skip


def test_the_file_of_bad_rows_can_be_mended_and_imported(tmp_path):
    store = StoreFactory.create()
    done = take(write(tmp_path / "sales.csv", GOOD + "=C9+1,2025-01-01,1,oops\n"), store=store)
    table = "".join(write_rows(bad_rows(done, ["customer", "date", "quantity", "amount"])))
    assert "'=C9+1" in table  # no formula for a spreadsheet

    fixed = table.replace("oops", "3.00").replace("'=C9+1", "C0009")
    mended = take(write(tmp_path / "mended.csv", fixed), store=store)

    assert (mended.sales, mended.bad_rows) == (1, 0)


def test_a_dry_run_reports_the_same_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(actions, "CHUNK", 2)
    source = write(tmp_path / "sales.csv", GOOD + "00002,2025-02-01,1,zero\n")

    done = take(source, is_dry_run=True)

    assert (done.sales, done.enrolled, done.bad_rows) == (3, 2, 1)
    assert not Sale.objects.exists()
    assert not Member.objects.exists()
    assert not Movement.objects.exists()


def test_a_stopped_import_goes_on_behind_the_last_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(actions, "CHUNK", 2)
    store = StoreFactory.create()
    source = write(tmp_path / "sales.csv", GOOD + "00002,2025-01-12,5,77.00\n")

    class Stopped(Exception):
        pass

    def stop(sale_import):
        raise Stopped

    first = prepare_import(source=source, name="x", store=store, mapping={})
    assert take_lease(work=first, now=NOW)
    with pytest.raises(Stopped):
        run_import(sale_import=first, source=source, watch=stop)
    assert Sale.objects.count() == 2

    second = prepare_import(source=source, name="x", store=store, mapping={})
    assert not take_lease(work=second, now=NOW)  # the first may still be alive
    done = run_import(sale_import=second, source=source)

    assert second.pk == first.pk
    assert (done.status, done.sales, done.repeats) == ("done", 4, 0)
    assert Sale.objects.count() == 4


def test_a_cancelled_import_stops_after_the_chunk_at_hand_and_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(actions, "CHUNK", 1)
    source = write(tmp_path / "sales.csv", GOOD)
    prepared = prepare_import(source=source, name="x", store=StoreFactory.create(), mapping={})

    done = run_import(sale_import=prepared, source=source, watch=lambda each: cancel(work=each))

    assert (done.status, done.sales) == ("cancelled", 1)


def test_a_member_who_was_here_before_keeps_identity_and_enrolment(tmp_path):
    wang = MemberFactory.create(name="王芳", phone="13912345678", now=NOW)
    text = (
        f"phone,date,amount\n+86 13912345678,{NOW.astimezone(SHANGHAI):%Y-%m-%d %H:%M},5.00\n13912345678,2020-01-01,5\n"
    )

    done = take(write(tmp_path / "sales.csv", text))

    assert (done.sales, done.enrolled, done.bad_rows) == (1, 0, 1)
    assert Member.objects.get() == wang
    assert Member.objects.get().enrolled_at == NOW
    assert done.rejects.get(line=3).code == "sale_before_enrolment"


def test_an_earlier_sale_in_a_later_file_moves_an_imported_enrolment_back(tmp_path):
    store = StoreFactory.create()
    take(write(tmp_path / "b.csv", "customer,date,amount\nC001,2025-05-05,5\n"), store=store)

    done = take(write(tmp_path / "a.csv", "customer,date,amount\nC001,2024-05-05,5\n"), store=store)

    assert (done.sales, done.bad_rows) == (1, 0)
    assert Member.objects.get().enrolled_at == datetime(2024, 5, 5, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", EmptyFile),
        (b"\x00\x01\x02", UnreadableFile),
        (b"customer,date,amount\n\xff\xff\xff\xff,2025-01-01,5\n", UnreadableFile),
        (b"\x1f\x8b broken", UnreadableFile),
        (b"who,when,much\n1,2,3\n", ColumnMissing),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path, content, refusal):
    source = tmp_path / "sales.csv"
    source.write_bytes(content)

    with pytest.raises(refusal):
        take(source)

    assert not SaleImport.objects.exists()


def test_the_command_maps_columns_and_writes_the_errors(tmp_path, capsys):
    source = write(tmp_path / "sales.csv", "who,when,much\nC001,2025-01-01,5.00\nC002,never,5.00\n")

    call_command(
        "import_sales", source, member="who", happened_at="when", amount="much", errors=tmp_path / "errors.csv"
    )

    assert Sale.objects.get().store.code == "import"
    assert "C002,never,5.00" in (tmp_path / "errors.csv").read_text(encoding="utf-8-sig")
    assert capsys.readouterr().out


def test_the_command_says_what_is_wrong_with_its_arguments(tmp_path):
    for arguments in ([tmp_path / "none.csv"], [write(tmp_path / "s.csv", GOOD), "--store", "nowhere"]):
        with pytest.raises(CommandError):
            call_command("import_sales", *map(str, arguments))

    assert not Sale.objects.exists()
