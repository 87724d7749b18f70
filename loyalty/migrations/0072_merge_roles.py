"""Managers merge members, and service and analysts see what was merged. Admins may do everything here.

A shop may change its roles; this runs once.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GIVES = {
    "manager": ["view_merge", "add_merge", "change_merge"],
    "service": ["view_merge"],
    "analyst": ["view_merge"],
    "admin": ["view_merge", "add_merge", "change_merge"],
}


def give_permissions(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    for role, codes in GIVES.items():
        ours = Permission.objects.filter(content_type__app_label="loyalty", codename__in=codes)
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model="merge"):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0071_ledger_functions_merge"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
