"""Who reads promotions and what they took off, and that marketing sets them up. Admins may do everything here.

A shop may change its roles; this runs once.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

OF_A_MEMBER = ["applied", "checkout"]
OF_THE_PROGRAMME = ["promotion", "promotionversion", "payterms"]
READS = {
    "clerk": OF_A_MEMBER,
    "service": [*OF_A_MEMBER, *OF_THE_PROGRAMME],
    "manager": [*OF_A_MEMBER, *OF_THE_PROGRAMME],
    "marketer": [*OF_A_MEMBER, *OF_THE_PROGRAMME],
    "analyst": [*OF_A_MEMBER, *OF_THE_PROGRAMME],
}
WRITES = {
    "marketer": ["add_promotion", "change_promotion", "add_promotionversion", "add_payterms"],
}
NEW = [*OF_A_MEMBER, *OF_THE_PROGRAMME, "undone", "paidback"]


def give_permissions(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty")
    for role, models in READS.items():
        group, _made = Group.objects.get_or_create(name=role)
        codes = [f"view_{model}" for model in models] + WRITES.get(role, [])
        group.permissions.add(*ours.filter(codename__in=codes))
    admin, _made = Group.objects.get_or_create(name="admin")
    admin.permissions.add(*ours)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=NEW):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0060_promotions"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
