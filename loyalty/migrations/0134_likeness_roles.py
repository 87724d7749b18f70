"""Staff of stores and analysts see who may stand twice; who serves members tells them apart. Admins may do everything."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEE = ["clerk", "service", "manager", "analyst"]
DECIDE = ["service", "manager"]


def give_permissions(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty", content_type__model="likeness")
    for role in SEE:
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename="view_likeness"))
    for role in DECIDE:
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename="change_likeness"))
    Group.objects.get_or_create(name="admin")[0].permissions.add(*ours)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model="likeness"):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0133_likenesses")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
