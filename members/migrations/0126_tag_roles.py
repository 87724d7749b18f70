"""Who sees tags, who puts them on members, who sets those that are guarded, and who makes new ones."""

from django.db import migrations

from members.kit.roles import giving

USES = ["view_tagging", "add_tagging"]
GIVEN = {
    "clerk": USES,
    "service": USES,
    "manager": [*USES, "change_tagging", "view_tag"],
    "marketer": [*USES, "change_tagging", "view_tag", "add_tag", "change_tag"],
    "analyst": ["view_tagging", "view_tag"],
    "admin": [*USES, "change_tagging", "view_tag", "add_tag", "change_tag"],
}


class Migration(migrations.Migration):
    dependencies = [("members", "0125_tags")]

    operations = [giving("members", GIVEN)]
