"""The ledger's functions again. Those that take other parameters now would stand beside their forerunners."""

from django.db import migrations

from loyalty.ledger.sql import FUNCTIONS

FORERUNNERS = [
    "ledger_lock(bigint, bigint, timestamptz)",
    "ledger_credit(bigint, bigint, bigint, text, timestamptz, timestamptz, timestamptz, text, text, text)",
    "ledger_credit_many(bigint[], bigint[], bigint[], text[], timestamptz[], timestamptz[], timestamptz[], text, text, "
    "text)",
]


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0030_ledger_completed")]

    operations = [
        migrations.RunSQL([f"DROP FUNCTION IF EXISTS {each}" for each in FORERUNNERS], migrations.RunSQL.noop),
        # parameters with new names cannot be put in the place of old ones
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS ledger_give_back("
            "loyalty_account, bigint, bigint, bigint, bigint, text, text, timestamptz)",
            migrations.RunSQL.noop,
        ),
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in FUNCTIONS),
    ]
