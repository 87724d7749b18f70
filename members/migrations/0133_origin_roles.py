"""Who sees join codes and who makes them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SETS = ["view_joincode", "add_joincode", "change_joincode"]
GIVEN = {"service": SETS[:1], "analyst": SETS[:1], "manager": SETS, "marketer": SETS, "admin": SETS}


def give_permissions(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    members = apps.get_app_config("members")
    members.models_module = True
    create_permissions(members, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    members.models_module = None
    ours = Permission.objects.filter(content_type__app_label="members")
    for role, codes in GIVEN.items():
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename__in=codes))


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="members", codename__endswith="_joincode"):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0132_origins")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
