"""What a shop begins with: a week to take an erasure back, and how long things are kept."""

from django.db import migrations

KEPT = [("messages", 24), ("looks", 36), ("imports", 3), ("inactive", 60)]  # code, months


def begin(apps, schema_editor):
    apps.get_model("members", "PrivacyRule").objects.get_or_create(pk=1)
    for code, months in KEPT:
        apps.get_model("members", "RetentionRule").objects.get_or_create(code=code, defaults={"months": months})


class Migration(migrations.Migration):
    dependencies = [("members", "0053_privacy")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
