"""A term that counts from the beginning of time has no beginning: `-infinity` cannot be read as a moment."""

from django.db import migrations

FORGET = "UPDATE loyalty_standing SET counts_from = NULL WHERE counts_from = '-infinity'"


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0110_needs_of_segments")]

    operations = [migrations.RunSQL(FORGET, migrations.RunSQL.noop)]
