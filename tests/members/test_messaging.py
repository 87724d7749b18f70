"""The outbox: written with the event, sent by workers, never twice by guesswork."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import override
from kombu import pools

from config.celery import app
from config.engines import free_port
from members.consents.actions import Said, say
from members.contact.actions import prefer
from members.contact.models import ContactRule
from members.messaging.actions import (
    claim_due,
    mark_read,
    queue_message,
    queue_messages,
    send_due,
    send_sign_in_code,
    settle_lost,
    write_message,
    write_messages,
)
from members.messaging.channels import CHANNELS
from members.messaging.models import Message, Template
from members.messaging.rules import Unwritable, check_template, wait_after
from members.messaging.tasks import send_messages
from members.profiles.actions import verify_identity
from tests.factories import NOW, MemberFactory
from tests.races import all_at_once

LEASE = timedelta(minutes=10)
EARNED = {"points": 12, "balance": 340}


class Moody:
    """A mail server that answers by who the recipient is, and remembers whom it took mail for."""

    def __init__(self):
        self.taken = []
        self.connections = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's
        if address.startswith("full"):
            return "452 mailbox full"
        if address.startswith("gone"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 not wanted"
        self.taken.append((envelope.rcpt_tos[0], envelope.content.decode()))
        if envelope.rcpt_tos[0].startswith("slow"):
            server.transport.close()  # it has the mail, and never says so
        return "250 OK"


@pytest.fixture
def moody(settings):
    server = Moody()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield server
    controller.stop()


def queue_mail(member, key="sale:1", template="points_earned", context=None):
    told = {"context": EARNED if context is None else context, "channels": ["email"], "now": NOW}
    queue_message(member=member, template=template, key=key, **told)
    return Message.objects.get(member=member, key=key)


def mailed(address, **more):
    return queue_mail(MemberFactory.create(email=address), **more)


def fresh(message):
    message.refresh_from_db()
    return message


@pytest.mark.django_db
def test_an_inbox_message_is_there_at_once_in_the_members_language():
    wang = MemberFactory.create()
    anna = MemberFactory.create(name="Anna Green", language="en")

    for member in (wang, anna):
        queue_message(member=member, template="points_earned", key="sale:1", now=NOW, context=EARNED)

    in_chinese, in_english = Message.objects.of(wang).get(), Message.objects.of(anna).get()
    assert (in_chinese.status, in_chinese.due_at, in_chinese.sent_at) == ("delivered", NOW, NOW)
    assert write_message(in_chinese)[0] == "您获得了 12 积分"
    assert write_message(in_english) == (
        "You earned 12 points",
        "Your purchase earned you 12 points. You have 340 to spend. Thank you for coming.",
    )


@pytest.mark.django_db
def test_a_message_is_written_once_per_cause_and_channel(django_assert_num_queries):
    wang = MemberFactory.create(email="wang@example.com")
    told = {"member": wang, "template": "points_earned", "now": NOW, "context": EARNED, "channels": ("inbox", "email")}

    with django_assert_num_queries(1):
        first = queue_message(key="sale:1", **told)
    again = queue_message(key="sale:1", **told)
    other = queue_message(key="sale:2", **told)

    assert (first, again, other) == (2, 0, 2)
    assert set(Message.objects.values_list("channel", "status")) == {("inbox", "delivered"), ("email", "queued")}


@pytest.mark.django_db
def test_a_member_without_an_address_gets_no_mail():
    wang = MemberFactory.create(phone="13812345678")

    queue_message(
        member=wang, template="points_earned", key="sale:1", now=NOW, context=EARNED, channels=("email", "sms")
    )

    assert [(message.channel, message.address) for message in Message.objects.all()] == [("sms", "+8613812345678")]


@pytest.mark.django_db
def test_many_messages_are_one_statement(django_assert_num_queries):
    wang, li = MemberFactory.create(email="wang@example.com"), MemberFactory.create(name="李强")
    rows = [(wang.pk, "sale:1", EARNED), (li.pk, "sale:2", EARNED), (wang.pk, "sale:1", EARNED)]

    with django_assert_num_queries(1):
        written = queue_messages(rows=rows, template="points_earned", now=NOW, channels=("inbox", "email"))

    assert written == 3
    assert queue_messages(rows=rows, template="points_earned", now=NOW, channels=("inbox", "email")) == 0
    assert queue_messages(rows=[], template="points_earned", now=NOW) == 0


@pytest.mark.django_db
def test_a_message_goes_with_the_event_that_caused_it():
    wang = MemberFactory.create()

    with transaction.atomic():
        queue_message(member=wang, template="points_earned", key="sale:1", now=NOW, context=EARNED)
        transaction.set_rollback(True)

    assert not Message.objects.exists()


@pytest.mark.django_db
def test_an_edit_is_for_new_messages_and_old_ones_keep_their_words():
    wang = MemberFactory.create()
    queue_message(member=wang, template="points_earned", key="sale:1", now=NOW, context=EARNED)
    Template.objects.create(code="points_earned", language="zh-hans", version=2, subject="新", body="新")
    queue_message(member=wang, template="points_earned", key="sale:2", now=NOW, context=EARNED)

    words = [write_message(message)[0] for message in Message.objects.order_by("pk")]

    assert words == ["您获得了 12 积分", "新"]


@pytest.mark.django_db
def test_a_message_falls_back_to_the_other_language():
    Template.objects.create(code="hello", language="en", subject="Hello {{ name }}", body="{{ shop }}")
    queue_message(member=MemberFactory.create(), template="hello", key="1", now=NOW, context={})

    assert write_message(Message.objects.get())[0] == "Hello 王芳"


@pytest.mark.django_db
def test_a_page_of_messages_needs_one_query_for_their_words(django_assert_num_queries):
    wang = MemberFactory.create()
    rows = [(wang.pk, f"sale:{number}", EARNED) for number in range(20)]
    queue_messages(rows=rows, template="points_earned", now=NOW)
    queue_message(member=wang, template="no_such", key="1", now=NOW, context={})

    with django_assert_num_queries(2):
        written = list(write_messages(Message.objects.select_related("member").newest_first()))

    assert sum(words is None for _message, words in written) == 1


@pytest.mark.parametrize(
    "body",
    ["{{ points", "{{ points | nonsense }}", "{{ missing }}", "{% for i in (1..9999999999) %}x{% endfor %}",
     "{% include 'x' %}", "{{ 1 | divided_by: 0 }}"],
)  # fmt: skip
@pytest.mark.django_db
def test_a_template_that_cannot_be_written_says_so_at_once(body):
    Template.objects.create(code="wrong", language="en", subject="wrong", body=body)
    queue_message(member=MemberFactory.create(), template="wrong", key="1", now=NOW, context={})

    with pytest.raises(Unwritable):
        write_message(Message.objects.get())


def test_a_marketer_is_told_what_is_wrong_with_a_template():
    check_template("Hello {{ name }}")

    with pytest.raises(Unwritable), override("en"):
        check_template("{% if %}")


@pytest.mark.django_db
def test_mail_goes_out_over_smtp_once(mailbox):
    message = mailed("wang@example.com")

    assert send_due(now=NOW) == 1
    assert send_due(now=NOW) == 0

    [mail] = mailbox.wait_for(1)
    assert mail["To"] == "wang@example.com"
    assert mail["Subject"] == "您获得了 12 积分"
    assert mail["Message-ID"].startswith(f"<message-{message.pk}@")
    assert "340" in mail.get_content()
    assert (fresh(message).status, message.sent_at, message.template_version, message.attempts) == ("sent", NOW, 1, 1)
    assert message.leased_until is None


@pytest.mark.django_db
def test_nothing_is_sent_before_it_is_due(mailbox):
    mailed("wang@example.com")

    assert send_due(now=NOW - timedelta(seconds=1)) == 0
    assert not mailbox.messages


@pytest.mark.django_db
def test_a_template_error_stops_one_message_and_no_other(moody):
    Template.objects.create(code="hello", language="zh-hans", subject="{{ who }}", body="您好")
    messages = [
        mailed(f"wang{number}@example.com", template="hello", context={} if number == 7 else {"who": "王芳"})
        for number in range(20)
    ]

    send_due(now=NOW)

    assert len(moody.taken) == 19
    assert moody.connections == 1
    assert fresh(messages[7]).status == "failed"
    assert "who" in messages[7].reason
    assert Message.objects.filter(status="sent").count() == 19


@pytest.mark.django_db
def test_recipients_who_are_refused_do_not_stop_the_others(moody):
    full, gone, spam, wang = (mailed(f"{who}@example.com") for who in ("full", "gone", "spam", "wang"))

    send_due(now=NOW)

    assert (fresh(full).status, full.attempts, full.due_at) == ("queued", 1, NOW + timedelta(seconds=30))
    assert (fresh(gone).status, gone.reason) == ("failed", "550 no such user")
    assert (fresh(spam).status, spam.reason) == ("failed", "554 not wanted")
    assert fresh(wang).status == "sent"
    assert [address for address, _content in moody.taken] == ["wang@example.com"]


@pytest.mark.django_db
def test_a_passing_error_is_tried_eight_times_and_then_given_up(moody):
    full = mailed("full@example.com")
    moment, tries = NOW, 0

    while send_due(now=moment):
        tries += 1
        moment = fresh(full).due_at

    assert tries == 8
    assert (full.status, full.reason, full.sent_at) == ("failed", "452 mailbox full", None)
    assert timedelta(hours=10) < moment - NOW < timedelta(days=1)
    assert wait_after(8) is None


@pytest.mark.django_db
def test_while_the_mail_server_is_away_everything_waits(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    first, second, third = (mailed(f"wang{number}@example.com") for number in range(3))

    assert send_due(now=NOW) == 3

    assert [fresh(message).status for message in (first, second, third)] == ["queued"] * 3
    assert [message.attempts for message in (first, second, third)] == [1, 0, 0]
    assert "refused" in first.reason
    assert send_due(now=NOW) == 0
    assert send_due(now=NOW + timedelta(seconds=30)) == 3


@pytest.mark.django_db
def test_a_mail_that_was_taken_without_a_word_goes_again_under_the_same_message_id(moody):
    slow, wang = mailed("slow@example.com"), mailed("wang@example.com")

    send_due(now=NOW)
    send_due(now=NOW + timedelta(minutes=1))

    ids = {
        line
        for to, content in moody.taken
        if to.startswith("slow")
        for line in content.splitlines()
        if "message-" in line
    }
    assert len([to for to, _content in moody.taken if to.startswith("slow")]) == 2
    assert len(ids) == 1
    assert fresh(slow).status == "queued"
    assert fresh(wang).status == "sent"


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_every_message_once(moody):
    wang = MemberFactory.create(email="wang@example.com")
    rows = [(wang.pk, f"sale:{number}", EARNED) for number in range(100)]
    queue_messages(rows=rows, template="points_earned", now=NOW, channels=("email",))

    counts = all_at_once(lambda _number: sum(iter(lambda: send_due(now=NOW, limit=7), 0)), 8)

    assert sum(counts) == 100
    assert len(moody.taken) == 100
    assert Message.objects.filter(status="sent").count() == 100


@pytest.mark.django_db
def test_a_lost_worker_leaves_its_untouched_messages_to_others_and_one_to_a_person(moody):
    begun, untouched = mailed("wang@example.com"), mailed("li@example.com")
    claim_due(now=NOW, limit=10, lease=LEASE)
    Message.objects.filter(pk=begun.pk).update(sent_at=NOW)

    assert settle_lost(now=NOW + LEASE) == 0
    assert settle_lost(now=NOW + LEASE + timedelta(seconds=1)) == 1

    assert (fresh(begun).status, begun.reason) == ("unknown", "worker_lost")
    assert fresh(untouched).status == "queued"
    assert send_due(now=NOW + 2 * LEASE) == 1
    assert [address for address, _content in moody.taken] == ["li@example.com"]


WORKER = """
import os, signal, sys
import django
django.setup()
from django.db import connection
from django.utils import timezone
from members.messaging import actions
from members.messaging.channels import CHANNELS
from contextlib import contextmanager
from members.messaging.channels.email import open_email

left = int(sys.argv[1])
dies_before = sys.argv[2] == "before"

@contextmanager
def dying():
    with open_email() as deliver:
        def carry(letter):
            global left
            left -= 1
            if left == 0 and dies_before:
                os.kill(os.getpid(), signal.SIGKILL)
            deliver(letter)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        yield carry

CHANNELS["email"] = dying
actions.send_due(now=timezone.now())
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("at", "moment"), [(1, "before"), (3, "after"), (5, "before"), (10, "after")])
def test_a_worker_killed_while_sending_never_makes_a_message_go_twice(moody, settings, at, moment):
    wang = MemberFactory.create(email="wang@example.com")
    now = timezone.now()
    rows = [(wang.pk, f"sale:{number}", EARNED) for number in range(10)]
    queue_messages(rows=rows, template="points_earned", now=now, channels=("email",))
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {
        "DATABASE_URL": database.geturl(),
        "EMAIL_HOST": settings.EMAIL_HOST,
        "EMAIL_PORT": str(settings.EMAIL_PORT),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

    worker = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WORKER), str(at), moment], env=environment, check=False, timeout=60
    )
    settle_lost(now=timezone.now() + 2 * LEASE)
    send_due(now=timezone.now() + 2 * LEASE)

    assert worker.returncode == -signal.SIGKILL
    taken = [line for _to, content in moody.taken for line in content.splitlines() if line.startswith("Message-ID")]
    assert len(taken) == len(set(taken)) == (9 if moment == "before" else 10)
    assert Message.objects.filter(status="unknown").count() == 1
    assert Message.objects.filter(status="sent").count() == 9


@pytest.mark.django_db
def test_texts_fail_honestly_without_a_provider():
    wang = MemberFactory.create(phone="13812345678")
    queue_message(member=wang, template="points_earned", key="1", now=NOW, context=EARNED, channels=("sms",))

    send_due(now=NOW)

    assert Message.objects.values_list("status", "reason").get() == ("failed", "no_provider")


@pytest.mark.django_db
def test_in_the_demo_texts_land_in_its_mailbox(mailbox, settings):
    settings.DEMO = True
    wang = MemberFactory.create(phone="13812345678")
    queue_message(member=wang, template="points_earned", key="1", now=NOW, context=EARNED, channels=("sms",))

    send_due(now=NOW)

    assert [mail["To"] for mail in mailbox.wait_for(1)] == ["8613812345678@sms.localhost"]


def test_every_channel_has_its_file():
    assert set(CHANNELS) == set(Message.Channel.values)


@pytest.mark.django_db
def test_a_sign_in_code_is_sent_and_then_readable_nowhere(mailbox):
    wang = MemberFactory.create(email="wang@example.com")

    message = send_sign_in_code(member=wang, channel="email", address="wang@example.com", code="204518", now=NOW)
    send_due(now=NOW, only=message.pk)

    [mail] = mailbox.wait_for(1)
    assert "204518" in mail.get_content()
    assert "204518" not in str(Message.objects.values().get())
    assert fresh(message).status == "sent"


@pytest.mark.django_db
def test_a_newcomer_gets_a_code_in_the_language_of_the_page(mailbox):
    with override("en"):
        send_sign_in_code(member=None, channel="email", address="new@example.com", code="204518", now=NOW)

    send_due(now=NOW)

    assert mailbox.wait_for(1)[0]["Subject"] == "204518 is your sign-in code"


@pytest.mark.django_db
def test_a_code_that_came_too_late_is_not_sent(mailbox):
    message = send_sign_in_code(member=None, channel="email", address="new@example.com", code="204518", now=NOW)

    send_due(now=NOW + timedelta(minutes=10))

    assert (fresh(message).status, message.reason, message.context) == ("failed", "too_late", {})
    assert not mailbox.messages


@pytest.mark.django_db
def test_a_code_whose_worker_was_lost_is_wiped(moody):
    message = send_sign_in_code(member=None, channel="email", address="new@example.com", code="204518", now=NOW)
    claim_due(now=NOW, limit=10, lease=LEASE)
    Message.objects.update(sent_at=NOW)

    settle_lost(now=NOW + 2 * LEASE)

    assert (fresh(message).status, message.context) == ("unknown", {})


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_a_code_is_queued_and_the_sweep_sends_it(mailbox, caplog):
    now = timezone.now()
    with nowhere_to_publish(), caplog.at_level(logging.WARNING), transaction.atomic():
        send_sign_in_code(member=None, channel="email", address="new@example.com", code="204518", now=now)

    assert Message.objects.get().status == "queued"
    assert "waits for the sweep" in caplog.text
    assert "204518" not in caplog.text
    send_messages()
    assert len(mailbox.wait_for(1)) == 1


@contextmanager
def nowhere_to_publish():
    """Celery with a broker that is not there; a fresh pool before and after, since connections are kept."""
    kept = app.conf.broker_write_url
    pools.reset()
    app.conf.broker_write_url = f"redis://127.0.0.1:{free_port()}/0"
    app.amqp._producer_pool = app._pool = None
    try:
        yield
    finally:
        app.conf.broker_write_url = kept
        pools.reset()
        app.amqp._producer_pool = app._pool = None


@pytest.mark.django_db
def test_a_message_is_read_once():
    wang = MemberFactory.create()
    queue_message(member=wang, template="points_earned", key="1", now=NOW, context=EARNED)

    assert mark_read(messages=Message.objects.of(wang), now=NOW) == 1
    assert mark_read(messages=Message.objects.of(wang), now=NOW + LEASE) == 0
    assert Message.objects.get().read_at == NOW


@pytest.fixture
def sociable(db):
    """A member who wants news by e-mail and in the inbox, one a month, of a shop without limits."""
    member = MemberFactory.create(email="wang@example.com")
    verify_identity(member=member, kind="email", value="wang@example.com", now=NOW)
    for channel in ("email", "inbox"):
        said = Said(source="portal", language="zh-hans")
        say(member=member, purpose="marketing", channel=channel, is_given=True, said=said, key=channel, now=NOW)
    ContactRule.objects.update(most_a_day=None, most_a_week=None, most_a_month=None)
    return member


def tell_news(member, key, channel):
    queue_message(
        member=member, template="news", key=key, now=NOW, context={}, channels=(channel,), purpose="marketing"
    )


@pytest.mark.django_db(transaction=True)
def test_two_who_send_at_once_see_each_other(sociable):
    for key in "abcd":
        tell_news(sociable, key, "email")
    prefer(member=sociable, most_a_month=1, now=NOW)

    taken = all_at_once(lambda _n: claim_due(now=NOW, limit=1, lease=LEASE), 4)

    assert sorted(map(len, taken)) == [0, 0, 0, 1]
    assert Message.objects.filter(status="suppressed", reason="frequency").count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_who_write_into_the_inbox_at_once_see_each_other(sociable):
    prefer(member=sociable, most_a_month=1, now=NOW)

    all_at_once(lambda n: tell_news(sociable, f"n{n}", "inbox"), 4)

    assert sorted(Message.objects.values_list("status", flat=True)) == ["delivered", *["suppressed"] * 3]
