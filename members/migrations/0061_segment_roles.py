"""Marketing makes segments, managers and analysts read them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

MODELS = (
    "segment", "segmentversion", "membership", "segmentsize", "memberlist", "listmember", "audience", "audiencemember",
)
SEES = ["view_segment", "view_memberlist", "view_audience"]
MAKES = [*SEES, "add_segment", "change_segment", "add_memberlist", "change_memberlist", "add_audience"]
GIVEN = {"manager": ["view_segment"], "analyst": SEES, "marketer": MAKES}


def give_permissions(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    members = apps.get_app_config("members")
    members.models_module = True
    create_permissions(members, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    members.models_module = None
    ours = Permission.objects.filter(content_type__app_label="members")
    for role, codes in GIVEN.items():
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename__in=codes))
    everything = ours.filter(content_type__model__in=MODELS)
    Group.objects.get_or_create(name="admin")[0].permissions.add(*everything)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    ours = Permission.objects.filter(content_type__app_label="members", content_type__model__in=MODELS)
    for permission in ours:
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0060_segments")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
