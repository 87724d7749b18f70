"""What each of the shop's roles may do with given tiers, benefits and drafts of ladders. A shop may change it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

OF_THE_PROGRAMME = ["need", "benefit", "ladderdraft", "drafttier", "draftbenefit"]
DRAWS = [f"{verb}_{model}" for verb in ("add", "change", "delete") for model in ("drafttier", "draftbenefit")]
READS = {
    "clerk": ["grant"],
    "service": ["grant", *OF_THE_PROGRAMME],
    "manager": ["grant", *OF_THE_PROGRAMME],
    "marketer": ["grant", *OF_THE_PROGRAMME],
    "analyst": ["grant", *OF_THE_PROGRAMME],
}
WRITES = {
    "manager": ["add_grant", "protect_standing"],
    "marketer": ["add_ladderdraft", "change_ladderdraft", *DRAWS],
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


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0022_drafts")]

    operations = [migrations.RunPython(give_permissions, migrations.RunPython.noop)]
