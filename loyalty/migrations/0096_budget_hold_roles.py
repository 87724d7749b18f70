"""Everybody who sees what is set aside of points sees what is set aside of budgets. Admins may do everything."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ["clerk", "service", "manager", "marketer", "analyst"]
NEW = ["budgethold", "heldpart"]


def give_permissions(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=NEW)
    for role in ROLES:
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename="view_budgethold"))
    Group.objects.get_or_create(name="admin")[0].permissions.add(*ours)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=NEW):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0095_budget_holds")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
