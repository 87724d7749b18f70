"""Who reads how profiles changed, and for how long that is kept."""

from django.db import migrations

from members.kit.roles import give, take

GIVEN = {"service": ["view_change"], "manager": ["view_change"], "admin": ["view_change"]}
MONTHS = 60


def begin(apps, schema_editor):
    give(apps, schema_editor, "members", GIVEN)
    apps.get_model("members", "RetentionRule").objects.get_or_create(code="changes", defaults={"months": MONTHS})


def undo(apps, schema_editor):
    take(apps, "members", GIVEN)
    apps.get_model("members", "RetentionRule").objects.filter(code="changes").delete()


class Migration(migrations.Migration):
    dependencies = [("members", "0121_history_written")]

    operations = [migrations.RunPython(begin, undo)]
