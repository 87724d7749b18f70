"""`manage.py translations`: collect the words of the whole house, compile them, and check that none is missing.

Collecting needs the gettext programs; compiling and checking need only polib.
"""

import re
import shutil
from argparse import ArgumentParser
from pathlib import Path

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

LOCALES = ("zh_Hans",)
NOT_OURS = [".venv", ".run", "static", "media", "tests", "node_modules", "collected"]
HEADER = {
    "Project-Id-Version": "Regulars",
    "Language": "zh_Hans",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{(\w*)\}")


class Command(BaseCommand):
    help = "Collects and compiles the translations; with --check, says what is missing or not compiled."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something is missing")

    def handle(self, *_words: str, check: bool, **_options: object) -> None:
        folder = Path(settings.LOCALE_PATHS[0])
        wrong = [words for name in LOCALES for words in self.one(folder / name / "LC_MESSAGES", check)]
        if wrong:
            raise CommandError("\n".join(wrong))

    def one(self, folder: Path, check: bool) -> list[str]:
        """Bring one language up to date, or only look at it. Returns what is wrong."""
        po_path, mo_path = folder / "django.po", folder / "django.mo"
        if check:
            catalogue = polib.pofile(str(po_path))
            return faults(catalogue) + uncompiled(catalogue, mo_path) + uncollected(catalogue, folder)
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.which("xgettext"):
            collect(po_path)
        else:
            self.stderr.write("No gettext here: nothing was collected, only compiled.")
        catalogue = polib.pofile(str(po_path))
        tidy(catalogue, po_path)
        catalogue.save_as_mofile(str(mo_path))
        self.stdout.write(f"{folder.parent.name}: {len(catalogue)} texts, {catalogue.percent_translated()} %")
        return []


def collect(po_path: Path) -> None:
    """Let Django's makemessages bring the catalogue up to date."""
    call_command(
        "makemessages",
        locale=[po_path.parent.parent.name],
        ignore_patterns=NOT_OURS,
        no_wrap=True,
        no_location=True,
        no_obsolete=True,
        verbosity=0,
    )


def tidy(catalogue: polib.POFile, po_path: Path) -> None:
    """Sorted, without guesses, dates or machines' names, so that only words change the file."""
    catalogue.header = ""
    catalogue.metadata = dict(HEADER)
    catalogue.metadata_is_fuzzy = False
    catalogue.wrapwidth = 0
    for entry in catalogue:
        if entry.fuzzy:  # a guess is worse than nothing
            entry.flags.remove("fuzzy")
            entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")
        entry.occurrences = []
        entry.previous_msgid = entry.previous_msgctxt = entry.previous_msgid_plural = None
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
    catalogue.save(str(po_path))


def faults(catalogue: polib.POFile) -> list[str]:
    """Texts without a translation, with a guessed one, or with other placeholders than the original."""
    wrong = [f"not translated: {entry.msgid}" for entry in catalogue.untranslated_entries()]
    wrong += [f"only guessed: {entry.msgid}" for entry in catalogue.fuzzy_entries()]
    for entry in catalogue.translated_entries():
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text and not placeholders(text) <= placeholders(entry.msgid) | placeholders(entry.msgid_plural):
                wrong.append(f"unknown placeholder: {text}")
            if text and "python-format" in entry.flags and not can_be_filled(text):
                wrong.append(f"a single % where %% is meant: {text}")
    return wrong


def can_be_filled(text: str) -> bool:
    """Whether the text takes its placeholders, as at run time."""
    try:
        text % dict.fromkeys(re.findall(r"%\((\w+)\)", text), 1)
    except (TypeError, ValueError):
        return False
    return True


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in PLACEHOLDER.finditer(text or "")}


def uncompiled(catalogue: polib.POFile, mo_path: Path) -> list[str]:
    """Whether the compiled file says something else than its source."""
    if not mo_path.exists():
        return [f"not compiled: {mo_path.name} is missing"]
    compiled = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in polib.mofile(str(mo_path))}
    written = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in catalogue.translated_entries()}
    return [] if compiled == written else ["not compiled: the .mo says something else than the .po"]


def uncollected(catalogue: polib.POFile, folder: Path) -> list[str]:
    """Texts in the code that the catalogue does not know; needs gettext, else nothing is said."""
    if not shutil.which("xgettext"):
        return []
    kept = {path: path.read_bytes() for path in (folder / "django.po",)}
    try:
        collect(folder / "django.po")
        fresh = polib.pofile(str(folder / "django.po"))
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    known = {(entry.msgctxt, entry.msgid) for entry in catalogue}
    return [f"not collected: {entry.msgid}" for entry in fresh if (entry.msgctxt, entry.msgid) not in known]
