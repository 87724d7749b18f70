"""The function and the aggregate by which limits are replayed on past sales."""

from django.db import migrations

from loyalty.replay.sql import AGGREGATE, FUNCTIONS


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0076_household_rules")]

    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (*FUNCTIONS, AGGREGATE)]
