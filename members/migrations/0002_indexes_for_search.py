"""Indexes that answer LIKE '8765%' and LIKE '王%', whatever the database's collation."""

import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models.functions import Collate, Reverse


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="identity", name="phone_by_last_digits"),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(Reverse("value"), name="text_pattern_ops"),
                name="phone_by_last_digits",
                condition=models.Q(kind="phone"),
            ),
        ),
        migrations.RemoveIndex(model_name="member", name="member_by_name"),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(Collate("name", "C"), name="member_by_name"),
        ),
    ]
