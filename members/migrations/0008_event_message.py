"""The words for points that an event earned."""

from django.db import migrations

TEMPLATES = [
    (
        "zh-hans",
        "您获得了 {{ points }} 积分",
        "您好，感谢您的参与，您获得了 {{ points }} 积分，现有可用积分 {{ balance }}。",
    ),
    (
        "en",
        "You earned {{ points }} {% if points == 1 %}point{% else %}points{% endif %}",
        "Thank you for taking part: you earned {{ points }} {% if points == 1 %}point{% else %}points{% endif %}. "
        "You have {{ balance }} to spend.",
    ),
]


def write_templates(apps, schema_editor):
    Template = apps.get_model("members", "Template")
    for language, subject, body in TEMPLATES:
        Template.objects.get_or_create(
            code="event_rewarded", language=language, version=1, defaults={"subject": subject, "body": body}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0007_sale_channel")]

    operations = [migrations.RunPython(write_templates, migrations.RunPython.noop)]
