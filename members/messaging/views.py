"""The member's inbox."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from members.messaging.actions import mark_read, write_messages
from members.messaging.models import Message, MessageQuerySet
from members.profiles.models import Member
from members.profiles.views import member_of

MESSAGES_A_PAGE = 20
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Letter:
    """A message with its words, as a page shows it."""

    pk: int
    subject: str
    body: str
    when: datetime
    is_read: bool
    channel: str
    address: str
    status: str


def inbox_of(member: Member) -> MessageQuerySet:
    """What stands in the member's inbox, newest first."""
    mine = Message.objects.of(member).in_inbox().filter(due_at__lte=timezone.now())
    return mine.shown().newest_first()


def letters(messages: Iterable[Message]) -> list[Letter]:
    """The messages with their words written out."""
    return [
        Letter(
            pk=message.pk,
            subject=words[0] if words else _("A message that cannot be shown"),
            body=words[1] if words else "",
            when=message.due_at,
            is_read=message.read_at is not None,
            channel=message.get_channel_display(),
            address=message.address,
            status=message.get_status_display(),
        )
        for message, words in write_messages(messages)
    ]


@login_required
@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What we told the member."""
    member = member_of(request)
    mine = inbox_of(member)
    page = Paginator(mine, MESSAGES_A_PAGE).get_page(request.GET.get("page"))
    context = {"member": member, "page": page, "letters": letters(page), "has_unread": mine.unread().exists()}
    return render(request, "portal/inbox.html", context)


@login_required
@require_POST
def read_one(request: HttpRequest, message: int) -> HttpResponse:
    """Note that the member has read this message; somebody else's is not there."""
    mine = inbox_of(member_of(request))
    letter = get_object_or_404(mine, pk=min(message, LARGEST_ID))
    mark_read(messages=mine.filter(pk=letter.pk), now=timezone.now())
    if not getattr(request, "htmx", False):
        return redirect("inbox")
    letter.refresh_from_db()
    return render(request, "portal/inbox.html#letter", {"letter": letters([letter])[0]})


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Note that the member has read all that stands there."""
    mark_read(messages=inbox_of(member_of(request)), now=timezone.now())
    return redirect("inbox")
