"""`manage.py erasures`: keep the list of erased identities beside the backups, and apply it after a restore."""

import sys
from argparse import ArgumentParser
from datetime import datetime
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
            for each in ErasedIdentity.objects.order_by("pk").iterator():
                self.stdout.write(f"{each.kind} {each.digest} {each.erased_at.isoformat()}")
            return
        source = options["apply"]
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="ascii")
        try:
            gone = [read(line) for line in text.splitlines() if line.strip()]
            done = erase_again(gone=gone, now=timezone.now())
        except ValueError:
            raise CommandError("This is no list of erased identities: each line is a kind, a hash, a moment.") from None
        except Refusal as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{done} members erased again")


def read(line: str) -> tuple[str, str, datetime]:
    """Kind, hash and moment of a line. Raises ValueError."""
    kind, digest, moment = line.split()
    return kind, digest, datetime.fromisoformat(moment)
