"""Managers see who looked at whom, and erase and restrict members of their stores. Admins may do everything."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

NEW = ["look", "erasure", "privacystep", "privacyrule", "retentionrule", "erasedidentity"]
GIVEN = {
    "manager": ["view_look", "view_erasure", "erase_member", "view_privacyrule", "view_retentionrule"],
}


def give_permissions(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    members = apps.get_app_config("members")
    members.models_module = True
    create_permissions(members, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    members.models_module = None
    ours = Permission.objects.filter(content_type__app_label="members", content_type__model__in=NEW)
    for role, codes in GIVEN.items():
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename__in=codes))
    Group.objects.get_or_create(name="admin")[0].permissions.add(*ours)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="members", content_type__model__in=NEW):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0054_privacy_beginnings")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
