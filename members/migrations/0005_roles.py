"""The roles of a shop's staff, as groups: what each may do with members, sales, stores and messages.

Floors above add their own permissions to the same groups. A shop may change them; this runs once.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

READS = {
    "clerk": ["member", "identity", "sale", "saleline", "product", "store"],
    "manager": ["member", "identity", "customfield", "sale", "saleline", "product", "store", "storestaff", "till", "message"],
    "service": ["member", "identity", "customfield", "sale", "saleline", "product", "store", "message"],
    "marketer": ["member", "customfield", "sale", "saleline", "product", "store", "template", "message"],
    "analyst": ["member", "customfield", "sale", "saleline", "product", "store", "message"],
}
WRITES = {
    "clerk": ["add_member", "add_identity"],
    "manager": ["add_member", "change_member", "add_identity", "change_identity", "see_full_contacts"],
    "service": ["add_member", "change_member", "add_identity", "change_identity", "see_full_contacts"],
    "marketer": ["add_template", "change_template"],
    "analyst": [],
}


def make_roles(apps, schema_editor):
    """Permissions are otherwise made after the last migration, which is too late to give them out here."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    members = apps.get_app_config("members")
    members.models_module = True
    create_permissions(members, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    members.models_module = None
    ours = Permission.objects.filter(content_type__app_label="members")
    for role, models in READS.items():
        group, _made = Group.objects.get_or_create(name=role)
        codes = [f"view_{model}" for model in models] + WRITES[role]
        group.permissions.add(*ours.filter(codename__in=codes))
    admin, _made = Group.objects.get_or_create(name="admin")
    admin.permissions.add(*ours)


def remove_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=[*READS, "admin"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0004_message_without_member"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, remove_roles)]
