"""Who reads the programme as a file. Only admins hand files in and take them in. A shop may change it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

READERS = ["manager", "marketer", "analyst"]


def give_permissions(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty", content_type__model="programmefile")
    for role in READERS:
        group, _made = Group.objects.get_or_create(name=role)
        group.permissions.add(*ours.filter(codename="view_programmefile"))
    admin, _made = Group.objects.get_or_create(name="admin")
    admin.permissions.add(*ours)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0052_programme_files")]

    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
