"""What migrations give to roles: permissions by their codes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.management import create_permissions
from django.db.migrations import RunPython


def give(apps: Any, schema_editor: Any, app: str, given: Mapping[str, Sequence[str]]) -> None:
    """Give each role its permissions of an app, which Django would make only when all migrations are done."""
    config = apps.get_app_config(app)
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    ours = apps.get_model("auth", "Permission").objects.filter(content_type__app_label=app)
    for role, codes in given.items():
        group, _made = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*ours.filter(codename__in=codes))


def take(apps: Any, app: str, given: Mapping[str, Sequence[str]]) -> None:
    """Take these permissions from every role."""
    codes = {code for codes in given.values() for code in codes}
    for permission in apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label=app, codename__in=codes
    ):
        permission.group_set.clear()


def giving(app: str, given: Mapping[str, Sequence[str]]) -> RunPython:
    """The operation of a migration that does nothing else, and undoes it."""
    return RunPython(
        lambda apps, schema_editor: give(apps, schema_editor, app, given),
        lambda apps, _schema_editor: take(apps, app, given),
    )
