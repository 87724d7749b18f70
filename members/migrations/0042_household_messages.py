"""The words for households: somebody asks to join, somebody drew points."""

from django.db import migrations

TEMPLATES = [
    (
        "household_invited",
        "zh-hans",
        "{{ other }} 邀请您加入家庭",
        "{{ other }} 邀请您加入家庭账户，一起使用积分。您的积分仍归您自己。请在“我的家庭”中答复。",
    ),
    (
        "household_invited",
        "en",
        "{{ other }} asks you to join a household",
        "{{ other }} asks you to spend points together. Yours stay yours. Please answer under My household.",
    ),
    (
        "household_drawn",
        "zh-hans",
        "{{ other }} 使用了您的 {{ points }} 积分",
        "您家庭中的 {{ other }} 使用了您的 {{ points }} 积分。您可以在“我的家庭”中设置是否允许。",
    ),
    (
        "household_drawn",
        "en",
        "{{ other }} spent {{ points }} of your points",
        "{{ other }} of your household spent {{ points }} of your points. Under My household you say whether they may.",
    ),
]


def write_templates(apps, schema_editor):
    Template = apps.get_model("members", "Template")
    for code, language, subject, body in TEMPLATES:
        Template.objects.get_or_create(
            code=code, language=language, version=1, defaults={"subject": subject, "body": body}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0041_gift_messages")]

    operations = [migrations.RunPython(write_templates, migrations.RunPython.noop)]
