"""`make bench`: `postings`, `http`, `rules`, `import FILE`, `night`, `whatif`, `backtest`, `segments`, `insight`,
`search`, `roster`. Without a name all of them.
BENCH_MEMBERS and BENCH_SALES say how large the crowd is, BENCH_ROSTER how long the file of members.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.core.management import call_command  # noqa: E402

from tests.bench import (  # noqa: E402
    backtest,
    ground,
    insight,
    nights,
    postings,
    roster,
    rules,
    sales,
    search,
    segments,
    whatif,
)

MEMBERS = int(os.environ.get("BENCH_MEMBERS", "1000000"))
SALES = int(os.environ.get("BENCH_SALES", "10000000"))


def say(line: object) -> None:
    print(line, flush=True)  # noqa: T201


def main(wanted: list[str]) -> None:
    """Run what was asked for, in an empty database."""
    call_command("migrate", verbosity=0)
    ground.install_yardsticks()
    say(f"{'':58} {'ours':>11} (spread)  {'yardstick':>11} (spread)  rounds  ratio")
    if "import" in wanted:
        say_all(sales.from_file(Path(wanted[wanted.index("import") + 1])))
    known = ("postings", "http", "rules", "night", "whatif", "backtest", "segments", "insight", "search", "roster")
    parts = {name for name in known if not wanted or name in wanted}
    if "roster" in parts:
        say_all(roster.from_file())
    if parts - {"roster"}:
        call_command("seed", members=10_000, sales=50_000)
    if "postings" in parts:
        bench_postings()
    if "http" in parts:
        say_all(sales.over_http())
    if "rules" in parts:
        say_all(rules.rules_and_promotions())
    if parts & {"night", "postings", "whatif", "backtest", "segments", "insight", "search"}:
        bench_crowd(parts)


def bench_crowd(parts: set[str]) -> None:
    """What has to stay fast with everybody there."""
    took = ground.timed(lambda: call_command("seed", members=MEMBERS - 10_000, sales=SALES - 50_000))
    say(f"    seed of {MEMBERS:,} members and {SALES:,} sales: {took:.0f} s")
    if "postings" in parts:
        say(postings.flat(FEW["earn"], postings.earn_rate()))
    if "segments" in parts:
        say_all(segments.segments())
    if "night" in parts:
        say_all(nights.nights())
    if "insight" in parts:
        say_all(insight.insight())
    if "search" in parts:
        say_all(search.searches())
    if "backtest" in parts:
        say_all(backtest.backtests())
    if "whatif" in parts:
        say_all(whatif.what_ifs())


def say_all(lines: Iterable[object]) -> None:
    """Say each line as it comes."""
    for line in lines:
        say(line)


FEW: dict[str, postings.Measured] = {}


def bench_postings() -> None:
    """The ledger alone."""
    FEW["earn"] = postings.earn_rate()
    say_all(postings.postings())
    say_all(postings.hot_member())
    rate = postings.peer()
    say(f"    django-hordak transfer_to, 1 process: {f'{rate:,.0f} a second' if rate else 'not installed'}")


if __name__ == "__main__":
    main(sys.argv[1:])
