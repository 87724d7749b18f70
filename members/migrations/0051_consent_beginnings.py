"""What a shop begins with: the words that members agree to, topics, how often and when it writes, and a mail."""

from datetime import UTC, datetime, time

from django.db import migrations

WORDINGS = [
    (
        "care",
        "我同意在生日、节日、纪念日等时候收到贴心的问候和祝福。我可以随时取消。",
        "I agree to get greetings on my birthday, on holidays and on days that we share. I can end this at any time.",
    ),
    (
        "marketing",
        "我同意收到新品、优惠和活动的消息。我可以随时取消，取消后不影响我的会员权益。",
        "I agree to hear of new things, offers and events. I can end this at any time; my membership stays the same.",
    ),
    (
        "survey",
        "我同意偶尔收到意见征询。是否作答由我决定，我也可以随时取消。",
        "I agree to be asked for my opinion now and then. Answering is up to me, and I can end this at any time.",
    ),
    (
        "profiling",
        "我同意根据我的消费记录为我推荐商品、挑选优惠。取消后，我看到的内容与其他会员一样，会员权益不变。",
        "I agree that what I buy is used to recommend things and to choose offers for me. Without it I see what everybody "
        "sees, and my membership stays the same.",
    ),
]
TOPICS = [("new", "新品", "New things"), ("offers", "优惠", "Offers"), ("events", "活动", "Events")]
RULES = [  # purpose, to inboxes unasked, at most a day, in 7 days, in 30 days
    ("care", True, 1, None, None),
    ("marketing", False, 1, 2, 6),
    ("survey", False, 1, 1, 2),
]
TEMPLATES = [
    (
        "zh-hans",
        "请确认您的邮箱",
        "您好，{{ shop }}收到了向此邮箱发送消息的请求。若是您本人，请打开下面的链接确认，7 天内有效：\n\n{{ link }}\n\n"
        "如非您本人操作，请忽略本邮件，我们不会再发送。",
    ),
    (
        "en",
        "Please confirm your e-mail address",
        "{{ shop }} was asked to write to this address. If that was you, please open this link within 7 days:\n\n"
        "{{ link }}\n\nIf it was not you, there is nothing to do, and we will not write again.",
    ),
]


def begin(apps, schema_editor):
    written_at = datetime(2026, 1, 1, tzinfo=UTC)
    for purpose, zh, en in WORDINGS:
        apps.get_model("members", "Wording").objects.get_or_create(
            purpose=purpose, version=1, defaults={"text_zh": zh, "text_en": en, "written_at": written_at}
        )
    for position, (code, zh, en) in enumerate(TOPICS):
        apps.get_model("members", "Topic").objects.get_or_create(
            code=code, defaults={"name_zh": zh, "name_en": en, "position": position}
        )
    for purpose, unasked, day, week, month in RULES:
        apps.get_model("members", "ContactRule").objects.get_or_create(
            purpose=purpose,
            defaults={
                "inbox_unasked": unasked, "most_a_day": day, "most_a_week": week, "most_a_month": month,
                "quiet_from": time(21), "quiet_until": time(9),
            },
        )  # fmt: skip
    for language, subject, body in TEMPLATES:
        apps.get_model("members", "Template").objects.get_or_create(
            code="confirm_address", language=language, version=1, defaults={"subject": subject, "body": body}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0050_consents")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
