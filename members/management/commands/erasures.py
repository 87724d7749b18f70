"""`manage.py erasures`: keep the list of erased identities beside the backups, and apply it after a restore."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from members.kit.refusals import Refusal
from members.privacy.actions import erase_again
from members.profiles.models import ErasedIdentity


class Command(BaseCommand):
    help = (
        "Write the keyed hashes of erased identities, or erase again who came back with an old backup (--apply FILE)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", metavar="FILE", help="a list that this command wrote; - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["apply"]:
            for kind, digest in ErasedIdentity.objects.order_by("pk").values_list("kind", "digest").iterator():
                self.stdout.write(f"{kind} {digest}")
            return
        source = options["apply"]
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="ascii")
        pairs = [tuple(line.split()) for line in text.splitlines() if line.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise CommandError("This is no list of erased identities: each line is a kind and a hash.")
        try:
            done = erase_again(blind=[(kind, digest) for kind, digest in pairs], now=timezone.now())
        except Refusal as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{done} members erased again")
