"""Who works at the counter writes consents down; marketing writes the words, topics and contact rules."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

NEW = ["wording", "consentchange", "consent", "guardian", "optin", "topic", "preference", "contactrule"]
SETUP = ["view_wording", "view_topic", "view_contactrule"]
GIVEN = {
    "clerk": ["view_consentchange", "add_consentchange", "add_guardian"],
    "service": ["view_consentchange", "add_consentchange", "add_guardian", *SETUP],
    "manager": ["view_consentchange", "add_consentchange", "add_guardian", *SETUP],
    "marketer": [
        "view_consentchange", *SETUP, "add_wording", "change_wording", "add_topic", "change_topic", "change_contactrule",
    ],
    "analyst": ["view_consentchange", *SETUP],
}  # fmt: skip


def give_permissions(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    members = apps.get_app_config("members")
    members.models_module = True
    create_permissions(members, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    members.models_module = None
    ours = Permission.objects.filter(content_type__app_label="members", content_type__model__in=NEW)
    for role, codes in GIVEN.items():
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename__in=codes))
    Group.objects.get_or_create(name="admin")[0].permissions.add(*ours)


def take_permissions(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="members", content_type__model__in=NEW):
        permission.group_set.clear()


class Migration(migrations.Migration):
    dependencies = [("members", "0051_consent_beginnings")]

    operations = [migrations.RunPython(give_permissions, take_permissions)]
