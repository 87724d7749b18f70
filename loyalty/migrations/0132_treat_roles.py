"""Everybody sees treats; who stands at the counter hands them over. Admins may do everything."""

from django.db import migrations

from members.kit.roles import giving

SEES = ["view_treat"]
HANDS_OVER = [*SEES, "change_treat"]
GIVEN = {
    "clerk": HANDS_OVER,
    "service": HANDS_OVER,
    "manager": HANDS_OVER,
    "marketer": SEES,
    "analyst": SEES,
    "admin": HANDS_OVER,
}


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0131_treats")]

    operations = [giving("loyalty", GIVEN)]
