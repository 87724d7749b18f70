"""A credit in three statements, and awards dated by their sales."""

from django.db import migrations

from loyalty.ledger.sql import FUNCTIONS

DATED = """
UPDATE loyalty_award a SET happened_at = s.happened_at FROM members_sale s
 WHERE s.id = a.sale_id AND a.happened_at <> s.happened_at
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0007_budget_functions")]

    operations = [
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in FUNCTIONS),
        migrations.RunSQL(DATED, migrations.RunSQL.noop),
    ]
