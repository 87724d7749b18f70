"""Who sees returns, who takes goods back, and who undoes that."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GIVEN = {
    "clerk": ["view_return", "add_return"],
    "service": ["view_return"],
    "manager": ["view_return", "add_return", "change_return"],
    "marketer": ["view_return"],
    "analyst": ["view_return"],
    "admin": ["view_return", "add_return", "change_return", "delete_return"],
}


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
    for permission in Permission.objects.filter(content_type__app_label="members", codename__endswith="_return"):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0021_returns")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
