"""The functions that take from budgets and give back. Later changes come as migrations that run `FUNCTIONS` again."""

from django.db import migrations

from loyalty.limits.sql import FUNCTIONS


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0006_rules_with_conditions")]

    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in FUNCTIONS]
