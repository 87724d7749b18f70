"""What every shop starts with: points and growth, one rule for each, a ladder of four tiers."""

from datetime import UTC, datetime

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

TIERS = [  # code, Chinese, English, growth, percent, colour
    ("member", "普通会员", "Member", 0, 100, "#57534E"),
    ("silver", "银卡会员", "Silver", 1_000, 110, "#475569"),
    ("gold", "金卡会员", "Gold", 5_000, 125, "#92610A"),
    ("diamond", "钻石会员", "Diamond", 20_000, 150, "#1D4ED8"),
]


def begin(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    kinds, rules, versions, ladders, tiers, programme = (
        apps.get_model("loyalty", name)
        for name in ("PointKind", "EarningRule", "RuleVersion", "Ladder", "Tier", "Programme")
    )
    programme.objects.create(pk=1)
    points = kinds.objects.create(code="points", name_zh="积分", name_en="Points", debt_limit=10_000)
    growth = kinds.objects.create(code="growth", name_zh="成长值", name_en="Growth", is_spendable=False)
    for kind, code, zh, en in (
        (points, "spend", "消费得积分", "Points for spending"),
        (growth, "climb", "消费得成长值", "Growth for spending"),
    ):
        rule = rules.objects.create(code=code, name_zh=zh, name_en=en)
        versions.objects.create(
            rule=rule, number=1, valid_from=BEGINNING, kind=kind, points=1, per_amount=100,
            uses_tier_multiplier=kind == points,
        )
    ladder = ladders.objects.create(
        code="main", name_zh="会员等级", name_en="Membership", basis="growth", window="rolling", months=12
    )
    for code, zh, en, threshold, multiplier, colour in TIERS:
        tiers.objects.create(
            ladder=ladder, code=code, name_zh=zh, name_en=en, threshold=threshold, multiplier=multiplier, colour=colour
        )


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0002_ledger_functions")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
