"""Who sees further fields that are not for everybody of the staff."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GIVEN = {"manager": ["see_managed_fields"], "admin": ["see_managed_fields", "see_owned_fields"]}


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
    codes = GIVEN["admin"]
    for permission in apps.get_model("auth", "Permission").objects.filter(codename__in=codes):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0127_further_fields")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
