"""Points may be given within modest limits once the shop says so; everybody who sees points sees gifts."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GIVES = {
    "clerk": ["view_gift"],
    "service": ["view_gift", "view_giftrule"],
    "manager": ["view_gift", "view_giftrule"],
    "marketer": ["view_gift", "view_giftrule"],
    "analyst": ["view_gift", "view_giftrule"],
    "admin": ["view_gift", "view_giftrule", "add_giftrule", "change_giftrule"],
}


def begin(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    kind = apps.get_model("loyalty", "PointKind").objects.filter(code="points").first()
    if kind is not None:
        apps.get_model("loyalty", "GiftRule").objects.get_or_create(kind=kind)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    for role, codes in GIVES.items():
        ours = Permission.objects.filter(content_type__app_label="loyalty", codename__in=codes)
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours)


def end(apps, schema_editor):
    apps.get_model("loyalty", "GiftRule").objects.all().delete()
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=["gift", "giftrule"]):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0073_gifts"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(begin, end)]
