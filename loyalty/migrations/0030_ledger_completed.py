"""What the ledger's completed functions need: what a claw-back was asked for, idle months, and lots that replace lots."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0008_awards_dated")]

    operations = [
        migrations.AddField("account", "idles", models.BooleanField(db_default=False)),
        migrations.AddField("movement", "asked", models.BigIntegerField(null=True)),
        migrations.AddField("movement", "lapsed", models.BigIntegerField(null=True)),
        migrations.AlterField(
            "movement", "actor", models.CharField(db_default="", max_length=310, verbose_name="by")
        ),
        migrations.AddField("lot", "idle_months", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField(
            "lot",
            "replaces",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="heirs",
                to="loyalty.lot",
            ),
        ),
        migrations.RemoveConstraint("movement", "movement_moves_something"),
        migrations.AddConstraint(
            "movement",
            models.CheckConstraint(
                name="movement_moves_something",
                condition=Q(points__gt=0) | Q(points=0, kind__in=["claw_back", "restore"]),
            ),
        ),
        migrations.AddConstraint(
            "lot",
            models.CheckConstraint(
                name="lot_idles_until_a_day",
                condition=Q(idle_months=None) | Q(idle_months__gte=1, idle_months__lte=120, expires_at__isnull=False),
            ),
        ),
        migrations.AddIndex(
            "lot", models.Index(name="lot_heir", fields=["replaces"], condition=Q(replaces__isnull=False))
        ),
    ]
