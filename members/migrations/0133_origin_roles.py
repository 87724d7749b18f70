"""Who sees join codes and who makes them."""

from django.db import migrations

from members.kit.roles import giving

SETS = ["view_joincode", "add_joincode", "change_joincode"]
GIVEN = {"service": SETS[:1], "analyst": SETS[:1], "manager": SETS, "marketer": SETS, "admin": SETS}


class Migration(migrations.Migration):
    dependencies = [("members", "0132_origins")]

    operations = [giving("members", GIVEN)]
