"""The usual thresholds, and who looks at what looks odd."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOKS = ["manager", "analyst", "admin"]


def begin(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    apps.get_model("loyalty", "Watch").objects.create(pk=1)
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty", content_type__model="watch")
    for role in LOOKS:
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename="view_watch"))
    everything = Permission.objects.filter(content_type__app_label="loyalty")
    Group.objects.get_or_create(name="admin")[0].permissions.add(*everything)


def end(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model="watch"):
        permission.group_set.clear()
    apps.get_model("loyalty", "Watch").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0037_watch")]

    operations = [migrations.RunPython(begin, end)]
