"""The promises that the project makes about itself."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from loyalty.ledger import sql as ledger
from loyalty.limits import sql as limits
from loyalty.replay import sql as replay

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("members", "loyalty")
DRAWERS = {
    "__init__", "models", "rules", "actions", "sql", "views", "forms", "api", "admin", "tasks", "traits", "panels",
}  # fmt: skip
FAMILIES = {"members/kit", "members/messaging/channels", "loyalty/conditions"}  # packages of small files, one a thing
FORBIDDEN = {"utils", "helpers", "common", "services", "managers", "constants", "misc"}
LONGEST_FILE = 400
LONGEST_TEST_FILE = 600  # a room has one file of tests, however much it promises
LONGEST_FUNCTION = 60
# Rows that find a member cannot have the member in their key; nor can the shop's own tables.
NOT_BY_MEMBER = {"identity_finds_one_member": "how a member is found", "members_member_user_id_key": "one sign-in"}


def sources() -> Iterator[Path]:
    """Our Python files, without migrations."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        if "/migrations/" not in name and (ROOT / name).exists():
            yield ROOT / name


def rooms() -> Iterator[Path]:
    """Every room of every floor."""
    for floor in FLOORS:
        for package in sorted((ROOT / floor).iterdir()):
            if (package / "__init__.py").exists() and package.name not in {"migrations", "management"}:
                yield package


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path):
    text = path.read_text(encoding="utf-8")

    is_test = path.relative_to(ROOT).parts[0] == "tests"
    assert len(text.splitlines()) <= (LONGEST_TEST_FILE if is_test else LONGEST_FILE)
    assert path.stem not in FORBIDDEN
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


@pytest.mark.parametrize("room", list(rooms()), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_room_has_its_sentence_its_line_in_the_readme_and_only_drawers(room: Path):
    name = str(room.relative_to(ROOT))
    sentence = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))

    assert sentence
    assert "\n\n" not in sentence
    assert f"`{name}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    if name not in FAMILIES:
        files = {path.stem for path in room.glob("*.py")}
        assert files <= DRAWERS, files - DRAWERS


def test_every_text_has_its_translation_and_the_compiled_file_matches():
    call_command("translations", check=True)


@pytest.mark.django_db
def test_migrations_match_models():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
@pytest.mark.parametrize("room", [ledger, limits, replay], ids=["ledger", "limits", "replay"])
def test_the_functions_in_the_database_are_those_in_the_files(room: ModuleType):
    prefix = room.__name__.split(".")[1] + "_"
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE starts_with(proname, %s) AND prokind = 'f'", [prefix])
        installed = dict(cursor.fetchall())

    for name, text in zip(room.NAMES, room.FUNCTIONS, strict=True):
        assert installed[prefix + name] == text.split("$$")[1]
    assert len(installed) == len(room.NAMES)


def ours() -> Iterator[type[models.Model]]:
    """The models of our floors."""
    for floor in FLOORS:
        yield from apps.get_app_config(floor).get_models(include_auto_created=True)


def is_of_a_member(model: type[models.Model]) -> bool:
    """Whether its rows belong to one member each."""
    return any(field.name == "member" for field in model._meta.fields)


@pytest.mark.parametrize("model", [model for model in ours() if is_of_a_member(model)], ids=lambda m: m.__name__)
def test_rows_of_members_can_be_spread_over_servers_by_member(model: type[models.Model]):
    """The rules of Citus: unique keys hold the member, and foreign keys stay with the same member or the shop."""
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.name not in NOT_BY_MEMBER:
            assert "member" in constraint.fields, constraint.name
    for field in model._meta.fields:
        if isinstance(field, models.ForeignKey) and field.name != "member":
            target = field.related_model
            assert target._meta.label != "members.Member", f"{field.name} leads to another member"


@pytest.mark.parametrize("model", list(ours()), ids=lambda model: model.__name__)
def test_nouns_keep_the_habits(model: type[models.Model]):
    if model._meta.auto_created:
        return
    assert not model._meta.ordering
    assert "save" not in vars(model)
    for constraint in model._meta.constraints:
        assert "%(" not in constraint.name
    if model._meta.label != "members.User":
        instance = model()
        assert str(instance).startswith(f"#{instance.pk}")


def test_no_registry_no_machine_and_no_secret_stands_in_the_repository():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    told = re.compile(r"--(?:extra-)?index-url|--find-links|/(?:work|root|farm)/[a-z]|BEGIN [A-Z ]*PRIVATE KEY")
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".mo", ".gz"} or name == "tests/test_project.py" or not path.exists():
            continue
        assert not told.search(path.read_text(encoding="utf-8")), name


def test_the_lock_names_a_hash_for_everything():
    lock = (ROOT / "requirements.lock").read_text()

    named = re.findall(r"^[a-z0-9][\w.\-\[\]]*==", lock, re.M)

    assert len(named) > 50
    for block in re.split(r"\n(?=[a-z0-9])", lock.strip()):
        assert "--hash=sha256:" in block, block[:60]


def test_every_dependency_says_what_it_is_for():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    for line in text.splitlines():
        if re.match(r'\s+"[a-z][\w\-\[\],]*~=', line):
            assert "#" in line, line


@pytest.mark.parametrize("sheet", sorted(ROOT.glob("static/css/*.css")), ids=lambda path: path.name)
def test_every_rule_of_a_style_sheet_is_closed_before_the_next_begins(sheet: Path):
    """An open brace swallows all rules behind it: browsers read them as nested, and say nothing."""
    depth, inside_media = 0, False
    for number, line in enumerate(re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL).splitlines(), 1):
        opens, closes = line.count("{"), line.count("}")
        inside_media = inside_media if depth else line.startswith("@")
        depth += opens - closes
        assert 0 <= depth <= (2 if inside_media else 1), f"{sheet.name}, line {number} without its comments: {line}"
    assert depth == 0
