"""The words for points that one member gave to another."""

from django.db import migrations

TEMPLATES = [
    (
        "gift_given",
        "zh-hans",
        "您送出了 {{ points }} {{ kind_zh }}",
        "您送给 {{ other }} 的 {{ points }} {{ kind_zh }}已经送到。",
    ),
    (
        "gift_given",
        "en",
        "You gave {{ points }} {{ kind_en }}",
        "The {{ points }} {{ kind_en }} that you gave to {{ other }} have arrived.",
    ),
    (
        "gift_received",
        "zh-hans",
        "{{ other }} 送给您 {{ points }} {{ kind_zh }}",
        "您收到了 {{ other }} 送的 {{ points }} {{ kind_zh }}。{% if note %}附言：{{ note }}{% endif %}",
    ),
    (
        "gift_received",
        "en",
        "{{ other }} gave you {{ points }} {{ kind_en }}",
        "You have {{ points }} {{ kind_en }} more, from {{ other }}.{% if note %} They wrote: {{ note }}{% endif %}",
    ),
]


def write_templates(apps, schema_editor):
    Template = apps.get_model("members", "Template")
    for code, language, subject, body in TEMPLATES:
        Template.objects.get_or_create(
            code=code, language=language, version=1, defaults={"subject": subject, "body": body}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0040_member_merged")]

    operations = [migrations.RunPython(write_templates, migrations.RunPython.noop)]
