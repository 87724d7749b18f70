"""`manage.py programme export|diff|import`: the programme as a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.programme.actions import compare, export_programme, hand_in, take_in
from loyalty.programme.rules import Change, Problem
from members.kit.refusals import Refusal


class Command(BaseCommand):
    help = "Write the programme as a YAML file, compare a file with it, or take one in as a whole."

    def add_arguments(self, parser: ArgumentParser) -> None:
        doing = parser.add_subparsers(dest="doing", required=True)
        doing.add_parser("export", help="write the programme as it stands").add_argument("file", type=Path, nargs="?")
        doing.add_parser("diff", help="show what a file would change, and change nothing").add_argument(
            "file", type=Path
        )
        doing.add_parser("import", help="make the programme what a file says").add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"export": self.write, "diff": self.show, "import": self.take_in}[options["doing"]](options["file"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(_("%(file)s: %(error)s") % {"file": options["file"], "error": error}) from None

    def write(self, file: Path | None) -> None:
        """To a file, or to the screen."""
        text = export_programme()
        if file is None:
            self.stdout.write(text, ending="")
        else:
            file.write_text(text, encoding="utf-8")

    def show(self, file: Path) -> None:
        """What would change."""
        outcome = compare(text=file.read_text(encoding="utf-8-sig"), now=timezone.now())
        self.say(outcome.changes, outcome.problems)
        for finding in outcome.findings:
            self.stdout.write(f"? rules.{finding.rule}: {finding.words}")
        for path in outcome.left_out:
            self.stdout.write(_("  %(path)s is not in the file and stays.") % {"path": path})

    def take_in(self, file: Path) -> None:
        """All of it, or nothing."""
        now = timezone.now()
        handed_in = hand_in(text=file.read_text(encoding="utf-8-sig"), name=file.name, now=now)
        self.say([Change(*each) for each in handed_in.changes], [Problem(*each) for each in handed_in.problems])
        take_in(file=handed_in, now=now)
        self.stdout.write(_("The programme is as the file says."))

    def say(self, changes: list[Change], problems: list[Problem]) -> None:
        """Changes to the screen, problems to the errors."""
        for change in changes:
            self.stdout.write(f"{change.path}: {change.before} → {change.after}")
        for problem in problems:
            self.stderr.write(f"! {problem.path}: {problem.words}")
