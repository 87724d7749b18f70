"""Who sees further fields that are not for everybody of the staff."""

from django.db import migrations

from members.kit.roles import giving

GIVEN = {"manager": ["see_managed_fields"], "admin": ["see_managed_fields", "see_owned_fields"]}


class Migration(migrations.Migration):
    dependencies = [("members", "0127_further_fields")]

    operations = [giving("members", GIVEN)]
