"""What each of the shop's roles may do with points, tiers and imports. Admins may do everything here.

A shop may change its roles; this runs once.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

OF_A_MEMBER = ["account", "movement", "standing", "tierchange", "award"]
OF_THE_PROGRAMME = ["pointkind", "earningrule", "ruleversion", "ladder", "tier"]
READS = {
    "clerk": [*OF_A_MEMBER],
    "service": [*OF_A_MEMBER, *OF_THE_PROGRAMME],
    "manager": [*OF_A_MEMBER, *OF_THE_PROGRAMME, "saleimport", "badrow", "difference"],
    "marketer": [*OF_A_MEMBER, *OF_THE_PROGRAMME],
    "analyst": [*OF_A_MEMBER, *OF_THE_PROGRAMME, "saleimport", "badrow", "difference", "lot", "lotuse"],
}
WRITES = {
    "manager": ["add_saleimport", "change_saleimport", "see_figures"],
    "marketer": ["see_figures"],
    "analyst": ["see_figures"],
}


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
    for permission in Permission.objects.filter(content_type__app_label="loyalty"):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0004_see_figures"),
        ("members", "0005_roles"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
