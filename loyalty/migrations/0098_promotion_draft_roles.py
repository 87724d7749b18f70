"""Admins may do everything with drafts of promotions. Who tries them is who tries rules; a shop may change it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations


def give_permissions(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty", content_type__model="promotiondraft")
    Group.objects.get_or_create(name="admin")[0].permissions.add(*ours)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0097_drafts_of_promotions")]

    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
