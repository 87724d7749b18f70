"""The first words of the warning before a tier falls."""

from django.db import migrations

TEMPLATES = [
    (
        "tier_ends",
        "zh-hans",
        "您的{{ tier_zh }}将于 {{ by_zh }}到期",
        "您好，您的{{ tier_zh }}保留至 {{ by_zh }}。{% if has_more %}保级条件可在会员中心「我的等级」查看。{% else %}"
        "在此之前再{% if basis == 'spend' %}消费 {{ missing }}{% elsif basis == 'purchases' %}消费 {{ missing }} 次"
        "{% elsif basis == 'months' %}有 {{ missing }} 个月消费{% elsif basis == 'growth' %}积累 {{ missing }} 成长值"
        "{% else %}获得 {{ missing }} 积分{% endif %}，即可保级。{% endif %}",
    ),
    (
        "tier_ends",
        "en",
        "{{ tier_en }} is yours until {{ by_en }}",
        "{% if has_more %}Your page \"My tier\" says what keeps it.{% else %}"
        "{% if basis == 'spend' %}Spend {{ missing }} more{% elsif basis == 'purchases' %}{{ missing }} more purchases"
        "{% elsif basis == 'months' %}A purchase in {{ missing }} more months{% elsif basis == 'growth' %}"
        "{{ missing }} more growth{% else %}{{ missing }} more points{% endif %} by {{ by_en }} "
        "{% if basis == 'spend' %}to keep{% else %}keep{% endif %} {{ tier_en }}.{% endif %}",
    ),
]


def write_templates(apps, schema_editor):
    Template = apps.get_model("members", "Template")
    for code, language, subject, body in TEMPLATES:
        Template.objects.get_or_create(
            code=code, language=language, version=1, defaults={"subject": subject, "body": body}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0008_event_message")]

    operations = [migrations.RunPython(write_templates, migrations.RunPython.noop)]
