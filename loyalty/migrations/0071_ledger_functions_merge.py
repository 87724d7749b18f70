"""The ledger's functions again: those that carry a member's points to another, and back."""

from django.db import migrations

from loyalty.ledger.sql import FUNCTIONS


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0070_merge")]

    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in FUNCTIONS]
