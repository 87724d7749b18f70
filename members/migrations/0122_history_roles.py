"""Who reads how profiles changed, and for how long that is kept."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GIVEN = {"service": ["view_change"], "manager": ["view_change"], "admin": ["view_change"]}
MONTHS = 60


def begin(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    members = apps.get_app_config("members")
    members.models_module = True
    create_permissions(members, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    members.models_module = None
    ours = Permission.objects.filter(content_type__app_label="members")
    for role, codes in GIVEN.items():
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename__in=codes))
    apps.get_model("members", "RetentionRule").objects.get_or_create(code="changes", defaults={"months": MONTHS})


def undo(apps, schema_editor):
    for permission in apps.get_model("auth", "Permission").objects.filter(codename="view_change"):
        permission.group_set.clear()
    apps.get_model("members", "RetentionRule").objects.filter(code="changes").delete()


class Migration(migrations.Migration):
    dependencies = [("members", "0121_history_written")]

    operations = [migrations.RunPython(begin, undo)]
