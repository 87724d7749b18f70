"""The ledger's functions. Later changes come as further migrations that run `FUNCTIONS` again."""

from django.db import migrations

from loyalty.ledger.sql import FUNCTIONS


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial")]

    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in FUNCTIONS]
