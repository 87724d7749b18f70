"""Reasons and limits that a shop starts with, and what each role may do with corrections."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

REASONS = [
    ("missed_sale", "补记消费", "A sale that was missed"),
    ("mistake", "更正差错", "A mistake put right"),
    ("goodwill", "服务补偿", "Goodwill"),
    ("prize", "活动奖励", "A prize"),
    ("debt", "免除欠分", "Debt forgiven"),
]
LIMITS = [  # role, gives and takes at once, in a day
    ("clerk", 200, 1_000),
    ("service", 1_000, 5_000),
    ("manager", 5_000, 20_000),
    ("admin", 20_000, 100_000),
]
SEES = ["view_correction"]
ASKS = [*SEES, "add_correction", "view_correctionreason"]
DECIDES = [*ASKS, "approve_correction", "view_correctionlimit"]
MAY = {
    "clerk": SEES + ["add_correction"],
    "service": ASKS,
    "manager": DECIDES,
    "marketer": ["view_correctionreason"],
    "analyst": [*SEES, "view_correctionreason"],
}
MODELS = ["correction", "correctionreason", "correctionlimit"]


def begin(apps, schema_editor):
    Group, Permission, Reason, Limit = (
        apps.get_model(app, name)
        for app, name in (
            ("auth", "Group"), ("auth", "Permission"), ("loyalty", "CorrectionReason"), ("loyalty", "CorrectionLimit"),
        )
    )
    for code, zh, en in REASONS:
        Reason.objects.create(code=code, name_zh=zh, name_en=en)
    for role, once, a_day in LIMITS:
        group, _made = Group.objects.get_or_create(name=role)
        Limit.objects.create(role=group, gives_once=once, takes_once=once, gives_a_day=a_day, takes_a_day=a_day)
    loyalty = apps.get_app_config("loyalty")
    loyalty.models_module = True
    create_permissions(loyalty, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    loyalty.models_module = None
    ours = Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=MODELS)
    for role, codes in MAY.items():
        Group.objects.get_or_create(name=role)[0].permissions.add(*ours.filter(codename__in=codes))
    Group.objects.get_or_create(name="admin")[0].permissions.add(*ours)


def end(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    for permission in Permission.objects.filter(content_type__app_label="loyalty", content_type__model__in=MODELS):
        permission.group_set.clear()
    apps.get_model("loyalty", "CorrectionLimit").objects.all().delete()
    apps.get_model("loyalty", "CorrectionReason").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0034_correction")]

    operations = [migrations.RunPython(begin, end)]
