"""The permission to see phones and e-mails without a mask."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("members", "0002_indexes_for_search")]

    operations = [
        migrations.AlterModelOptions(
            name="identity",
            options={
                "permissions": [("see_full_contacts", "Can see contacts in full")],
                "verbose_name": "identity",
                "verbose_name_plural": "identities",
            },
        ),
    ]
