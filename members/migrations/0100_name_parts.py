"""Names are found by any part of them: an index over their runs of one to three characters."""

import django.contrib.postgres.indexes
from django.db import migrations

import members.profiles.models

FUNCTION = r"""
CREATE FUNCTION member_name_parts(name text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
SELECT coalesce(array_agg(DISTINCT part), '{}')
  FROM (SELECT substr(lower(name), place, size) AS part
          FROM generate_series(1, 3) size
         CROSS JOIN LATERAL generate_series(1, length(name) - size + 1) place) p
 WHERE length(part) = 3 OR part ~ '[^\x01-\x7f]'
$$
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0096_webhook_roles")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION member_name_parts(text)"),
        migrations.AddIndex(
            model_name="member",
            index=django.contrib.postgres.indexes.GinIndex(
                members.profiles.models.NameParts("name"), name="member_by_name_part"
            ),
        ),
    ]
