"""A file of members taken in, beside COPY of the same rows into tables with the same indexes."""

import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import connection, transaction

from members.roster.actions import begin, hand_in, run
from members.roster.models import RosterImport
from members.stores.models import Store, User
from tests.bench.ground import run_sql, timed
from tests.bench.table import Line, in_turns

MEMBERS = int(os.environ.get("BENCH_ROSTER", "1000000"))
COLUMNS = "id, number, name, language, birth_on, home_store_id, source, enrolled_at, custom"


def from_file() -> Iterator[Line | str]:
    """Once each, for both write as many rows as there are: into copies of the tables, and into the tables."""
    store = Store.objects.get_or_create(code="roster", defaults={"name_zh": "导入", "name_en": "Roster"})[0]
    user = User.objects.get_or_create(username="roster", defaults={"is_superuser": True, "sees_all_stores": True})[0]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["phone", "name", "birthday"])
        rows.writerows([f"139{n:08d}", f"会员{n}", f"19{n % 80 + 10}-0{n % 9 + 1}-1{n % 10}"] for n in range(MEMBERS))
        file.flush()
        rosters: list[RosterImport] = []
        mine, bare = in_turns(
            1,
            lambda: MEMBERS / timed(lambda: rosters.append(take(Path(file.name), store, user))),
            lambda: MEMBERS / timed(lambda: copied(store)),
        )
        assert rosters[0].enrolled == MEMBERS, rosters[0].message
        yield Line(f"import of {MEMBERS:,} members, rows a second, to COPY", mine, bare, 3.0, True)
        again = timed(lambda: rosters.append(take(Path(file.name), store, user)))
        assert rosters[1].unchanged == MEMBERS
        yield f"    the same file again, which changes nothing: {again:.1f} s"


def take(source: Path, store: Store, user: User) -> RosterImport:
    """Hand the file in and go through it, as form and worker do."""
    with source.open("rb") as raw:
        name = default_storage.save("imports/bench", raw)
    made = hand_in(source=source, file=name, name="bench", store=store, by=user)
    done = run(roster=begin(roster=made, meaning=made.meaning, is_dry_run=False), source=source)
    default_storage.delete(name)
    return done


def copied(store: Store) -> None:
    """The same rows by COPY into tables with the same indexes, checks and foreign keys within them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_member (LIKE members_member INCLUDING ALL)")
        cursor.execute("CREATE TABLE bare_identity (LIKE members_identity INCLUDING ALL)")
        cursor.execute(
            "ALTER TABLE bare_identity ADD FOREIGN KEY (member_id) REFERENCES bare_member DEFERRABLE INITIALLY DEFERRED"
        )
        with cursor.copy(f"COPY bare_member ({COLUMNS}) FROM STDIN") as to:
            for n in range(MEMBERS):
                born = f"19{n % 80 + 10}-0{n % 9 + 1}-1{n % 10}"
                number = 10**9 + n * 7919 % (9 * 10**9)
                to.write_row((n, number, f"会员{n}", "zh-hans", born, store.pk, "import", "2026-01-01", "{}"))
        with cursor.copy("COPY bare_identity (member_id, kind, value) FROM STDIN") as to:
            for n in range(MEMBERS):
                to.write_row((n, "phone", f"+86139{n:08d}"))
    run_sql("DROP TABLE bare_identity, bare_member")
