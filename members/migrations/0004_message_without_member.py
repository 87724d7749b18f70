"""A newcomer proves an address before there is a member: the one message that may have none."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("members", "0003_see_full_contacts")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="member",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="members.member",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                name="message_has_a_member_or_is_a_code",
                condition=models.Q(member__isnull=False) | models.Q(template="sign_in_code"),
            ),
        ),
    ]
