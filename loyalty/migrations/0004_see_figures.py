"""The permission to see the shop's figures: sales, points and tiers of all members together."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0003_starter_programme")]

    operations = [
        migrations.AlterModelOptions(
            name="movement",
            options={
                "permissions": [("see_figures", "Can see the shop's figures")],
                "verbose_name": "movement",
                "verbose_name_plural": "movements",
            },
        ),
    ]
