"""`manage.py import_sales FILE`: sales from a CSV file, plain or gzip, once and resumably."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.imports.actions import bad_rows, prepare_import, run_import
from loyalty.imports.models import SaleImport
from loyalty.imports.rules import KNOWN_AS
from members.kit.refusals import Refusal
from members.kit.tables import rows_of, write_rows
from members.kit.uploads import take_lease
from members.stores.models import Store


class Command(BaseCommand):
    help = "Import sales from a CSV file (.gz is read directly). Running it twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        for field in KNOWN_AS:
            parser.add_argument(f"--{field.replace('_', '-')}", metavar="COLUMN", help=f"the column that says {field}")
        parser.add_argument(
            "--identity", choices=["card", "phone", "email", "wechat"], help="what the members' column is"
        )
        parser.add_argument("--store", metavar="CODE", help="the store of these sales; without it, one called import")
        parser.add_argument("--dry-run", action="store_true", help="check every row and write nothing")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="write rows that could not be taken here")

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"]
        if not source.is_file():
            raise CommandError(_("There is no file %(file)s.") % {"file": source})
        mapping = {field: options[field] for field in (*KNOWN_AS, "identity") if options[field]}
        try:
            sale_import = prepare_import(
                source=source,
                name=source.name,
                store=store_with(options["store"]),
                mapping=mapping,
                is_dry_run=options["dry_run"],
            )
            if not take_lease(work=sale_import, now=timezone.now()):
                raise CommandError(
                    _("This file is being imported already. If that process is gone, wait five minutes.")
                )
            if sale_import.line:
                self.stdout.write(_("Going on after line %(line)s.") % {"line": sale_import.line})
            run_import(sale_import=sale_import, source=source, watch=self.show)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from None
        self.summarise(sale_import, source, options["errors"])

    def show(self, sale_import: SaleImport) -> None:
        """The progress bar."""
        done = sale_import.bytes_read / max(sale_import.bytes_total, 1)
        bar = "█" * int(done * 30)
        if self.stderr.isatty():
            self.stderr.write(f"\r{bar:<30} {done:4.0%}  {sale_import.line:,}", ending="")
            self.stderr.flush()

    def summarise(self, sale_import: SaleImport, source: Path, errors: Path | None) -> None:
        """What came of it, in one line, and where the bad rows are."""
        if self.stderr.isatty():
            self.stderr.write("")
        self.stdout.write(
            _(
                "%(sales)s sales recorded, %(repeats)s were there already, %(enrolled)s members enrolled, "
                "%(bad)s rows could not be taken."
            )
            % {
                "sales": sale_import.sales,
                "repeats": sale_import.repeats,
                "enrolled": sale_import.enrolled,
                "bad": sale_import.bad_rows,
            }
        )
        if sale_import.is_dry_run:
            self.stdout.write(_("This was a dry run: nothing was written."))
        if sale_import.bad_rows:
            self.report_bad_rows(sale_import, source, errors)

    def report_bad_rows(self, sale_import: SaleImport, source: Path, errors: Path | None) -> None:
        """Write the bad rows to a file, or show the first of them."""
        with source.open("rb") as raw, rows_of(raw) as rows:
            _line, columns = next(rows)
        if errors is not None:
            with errors.open("w", encoding="utf-8", newline="") as out:
                out.writelines(write_rows(bad_rows(sale_import, columns)))
            self.stdout.write(_("They are in %(file)s: mend and import them.") % {"file": errors})
            return
        for row in sale_import.rejects.order_by("line")[:10]:
            self.stdout.write(f"{row.line}: {row.reason}")
        self.stdout.write(_("Use --errors FILE to get them all, ready to be mended."))


def store_with(code: str | None) -> Store:
    """The store with this code; without one, that of imports, opened when it is not there."""
    if code is None:
        return Store.objects.get_or_create(code="import", defaults={"name_zh": "历史导入", "name_en": "Imported"})[0]
    store = Store.objects.filter(code=code).first()
    if store is None:
        raise CommandError(_("There is no store with the code %(code)s.") % {"code": code})
    return store
