"""The nearest peer: transfers a second by django-hordak's `transfer_to`, one process, in a database of its own."""

import os
import time
from urllib.parse import urlsplit

import dj_database_url
import django
import psycopg
from django.conf import settings

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))


def main() -> None:
    given = os.environ["DATABASE_URL"]
    with psycopg.connect(given, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS bench_hordak")
        server.execute("CREATE DATABASE bench_hordak")
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "djmoney", "hordak"],
        DATABASES={
            "default": dj_database_url.parse(urlsplit(given)._replace(path="/bench_hordak").geturl(), conn_max_age=None)
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SECRET_KEY="bench",
        USE_TZ=True,
        HORDAK_CURRENCIES=["EUR"],
        HORDAK_DEFAULT_CURRENCY="EUR",
    )
    django.setup()
    from django.core.management import call_command
    from hordak.models import Account
    from moneyed import Money

    call_command("migrate", verbosity=0)
    source = Account.objects.create(name="a", code="1", type="AS", currencies=["EUR"])
    target = Account.objects.create(name="b", code="2", type="AS", currencies=["EUR"])
    done, begin = 0, time.perf_counter()
    while (took := time.perf_counter() - begin) < SECONDS:
        source.transfer_to(target, Money(1, "EUR"))
        done += 1
    print(done / took)  # noqa: T201


if __name__ == "__main__":
    main()
