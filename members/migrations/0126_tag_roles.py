"""Who sees tags, who puts them on members, who sets those that are guarded, and who makes new ones."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

USES = ["view_tagging", "add_tagging"]
GIVEN = {
    "clerk": USES,
    "service": USES,
    "manager": [*USES, "change_tagging", "view_tag"],
    "marketer": [*USES, "change_tagging", "view_tag", "add_tag", "change_tag"],
    "analyst": ["view_tagging", "view_tag"],
    "admin": [*USES, "change_tagging", "view_tag", "add_tag", "change_tag"],
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
    models = ["tag", "tagging"]
    for permission in Permission.objects.filter(content_type__app_label="members", content_type__model__in=models):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0125_tags")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
