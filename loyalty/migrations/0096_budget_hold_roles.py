"""Everybody who sees what is set aside of points sees what is set aside of budgets."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ["clerk", "service", "manager", "marketer", "analyst", "admin"]


def give_permissions(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    sees = Permission.objects.filter(content_type__app_label="loyalty", codename="view_budgethold")
    for role in ROLES:
        Group.objects.get_or_create(name=role)[0].permissions.add(*sees)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", codename="view_budgethold"):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0095_budget_holds")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
