"""Staff of stores and analysts see who may stand twice; who serves members tells them apart. Admins may do everything."""

from django.db import migrations

from members.kit.roles import giving

SEES = ["view_likeness"]
DECIDES = [*SEES, "change_likeness"]
GIVEN = {"clerk": SEES, "service": DECIDES, "manager": DECIDES, "analyst": SEES, "admin": DECIDES}


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0133_likenesses")]

    operations = [giving("loyalty", GIVEN)]
