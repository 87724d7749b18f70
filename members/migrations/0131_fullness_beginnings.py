"""What a shop begins with: what counts towards a whole profile, no reminders yet and their words, and who sets it."""

from django.db import migrations

from members.kit.roles import give

PARTS = [  # code, weight, months after which it is to be confirmed
    ("name", 20, None),
    ("phone", 20, 24),
    ("birthday", 20, None),
    ("email", 15, 24),
    ("address", 15, 24),
    ("gender", 10, None),
]
TEMPLATES = [
    (
        "zh-hans",
        "您的资料完成了 {{ percent }}%",
        "{% if name %}{{ name }}，您好。{% endif %}请抽空看一看您的会员资料：补充缺少的内容，或确认它们仍然正确。这样我们能更好地为您服务。",
    ),
    (
        "en",
        "Your profile is {{ percent }}% filled in",
        "{% if name %}Hello {{ name }}, {% endif %}please have a look at your profile when you have a moment: add what is "
        "missing, or tell us that it is still right. It helps us to serve you well.",
    ),
]
VIEWS = ["view_profilepart", "view_fullnessrule"]
SETS = [*VIEWS, "add_profilepart", "change_profilepart", "change_fullnessrule"]
GIVEN = {"service": VIEWS, "manager": VIEWS, "analyst": VIEWS, "marketer": SETS, "admin": SETS}


def begin(apps, schema_editor):
    for code, weight, months in PARTS:
        values = {"weight": weight, "months": months}
        apps.get_model("members", "ProfilePart").objects.get_or_create(code=code, defaults=values)
    apps.get_model("members", "FullnessRule").objects.get_or_create(pk=1)
    for language, subject, body in TEMPLATES:
        apps.get_model("members", "Template").objects.get_or_create(
            code="profile_reminder", language=language, version=1, defaults={"subject": subject, "body": body}
        )
    give(apps, schema_editor, "members", GIVEN)


class Migration(migrations.Migration):
    dependencies = [("members", "0130_fullness")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
