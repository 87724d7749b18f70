"""Awards that were there before are dated by their sales."""

from django.db import migrations

DATED = """
UPDATE loyalty_award a SET happened_at = s.happened_at FROM members_sale s
 WHERE s.id = a.sale_id AND a.happened_at <> s.happened_at
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0007_budget_functions")]

    operations = [migrations.RunSQL(DATED, migrations.RunSQL.noop)]
