"""Households begin with modest limits; everybody who sees members sees who belongs together, managers seat people."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEES = ["view_seat", "view_draw"]
GIVES = {
    "clerk": SEES,
    "service": [*SEES, "view_householdrule"],
    "manager": [*SEES, "view_householdrule", "add_seat"],
    "marketer": [*SEES, "view_householdrule"],
    "analyst": [*SEES, "view_householdrule"],
    "admin": [*SEES, "view_householdrule", "change_householdrule", "add_seat"],
}


def begin(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    apps.get_model("loyalty", "HouseholdRule").objects.get_or_create(pk=1)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    for role, codes in GIVES.items():
        ours = Permission.objects.filter(content_type__app_label="loyalty", codename__in=codes)
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours)


def end(apps, schema_editor):
    apps.get_model("loyalty", "HouseholdRule").objects.all().delete()
    Permission = apps.get_model("auth", "Permission")
    models = ["seat", "draw", "householdrule"]
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=models):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0075_households"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(begin, end)]
