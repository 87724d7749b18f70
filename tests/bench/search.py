"""How long the database looks for a member among all of them, by what a clerk types."""

import time
from collections.abc import Iterator
from statistics import median

from members.profiles.models import Member
from tests.bench.ground import run_sql

MOST = 50  # milliseconds
AGAIN = 7


def searches() -> Iterator[str]:
    """By the last digits of a phone, a part of a name, its beginning, a whole phone, and what nobody has."""
    run_sql(
        "UPDATE members_member SET name = substr('王李张刘', id::int % 4 + 1, 1) || '小' || chr(20000 + id::int % 500)"
    )
    run_sql("VACUUM ANALYZE members_member")
    member = Member.objects.order_by("pk")[1_000]
    phone = member.identities.get(kind="phone").value
    texts = {
        "the last four digits": phone[-4:],
        "a whole phone": phone,
        "one character of a name": member.name[-1],
        "two characters within a name": member.name[1:],
        "how a name begins": member.name[:2],
        "a card that nobody has": "VIP-404-404",
    }
    for about, text in texts.items():
        took = median(seconds(text) for _time in range(AGAIN)) * 1_000
        yield f"    search by {about}: {took:.1f} ms (at most {MOST}){'' if took <= MOST else '  MISSED'}"


def seconds(text: str) -> float:
    """One search, to the ids."""
    begin = time.perf_counter()
    list(Member.objects.ids_meant_by(text))
    return time.perf_counter() - begin
