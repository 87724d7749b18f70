"""`manage.py seed`: a believable shop for the demo, or a crowd for measuring."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from loyalty.management.crowd import gather_crowd
from loyalty.management.shop import open_shop
from members.profiles.models import Member


class Command(BaseCommand):
    help = "Fill an empty shop: --demo for a believable one, or --members N --sales M for a crowd."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="stores, staff, members and two years of sales")
        parser.add_argument("--members", type=int, default=0)
        parser.add_argument("--sales", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["demo"]:
            if Member.objects.exists():
                raise CommandError("This shop has members already; the demo's shop is made in an empty one.")
            open_shop(now=now, say=self.stdout.write)
        elif options["members"] > 0:
            gather_crowd(members=options["members"], sales=options["sales"], currency=settings.SHOP_CURRENCY, now=now)
        else:
            raise CommandError("Say --demo, or --members N --sales M.")
