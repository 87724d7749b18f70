"""The first words of the messages that the house sends by itself."""

from django.db import migrations

TEMPLATES = [
    (
        "points_earned",
        "zh-hans",
        "您获得了 {{ points }} 积分",
        "您好，您{% if store %}在{{ store }}{% endif %}的消费获得了 {{ points }} 积分，现有可用积分 {{ balance }}。感谢您的光临。",
    ),
    (
        "points_earned",
        "en",
        "You earned {{ points }} {% if points == 1 %}point{% else %}points{% endif %}",
        "Your purchase{% if store %} at {{ store }}{% endif %} earned you {{ points }} "
        "{% if points == 1 %}point{% else %}points{% endif %}. You have {{ balance }} to spend. Thank you for coming.",
    ),
    (
        "tier_reached",
        "zh-hans",
        "您已升级为{{ tier_zh }}",
        "您好，您现在是我们的{{ tier_zh }}了。您的专属权益可在会员中心查看。",
    ),
    (
        "tier_reached",
        "en",
        "Welcome to {{ tier_en }}",
        "You are now a {{ tier_en }} member. What comes with it stands in your member pages.",
    ),
    (
        "sign_in_code",
        "zh-hans",
        "{{ code }} 是您的登录验证码",
        "您在{{ shop }}的登录验证码是 {{ code }}，10 分钟内有效。请勿告诉任何人。如非您本人操作，请忽略本消息。",
    ),
    (
        "sign_in_code",
        "en",
        "{{ code }} is your sign-in code",
        "Your sign-in code for {{ shop }} is {{ code }}. It is good for 10 minutes. Please tell it to nobody. "
        "If you did not ask for it, there is nothing to do.",
    ),
]


def write_templates(apps, schema_editor):
    Template = apps.get_model("members", "Template")
    for code, language, subject, body in TEMPLATES:
        Template.objects.get_or_create(
            code=code, language=language, version=1, defaults={"subject": subject, "body": body}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0005_roles")]

    operations = [migrations.RunPython(write_templates, migrations.RunPython.noop)]
