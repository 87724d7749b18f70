"""The ways in which a message reaches a member, a file each: open it for a batch, hand it letters one by one."""

from members.messaging.channels.email import open_email
from members.messaging.channels.inbox import open_inbox
from members.messaging.channels.letters import Channel, Deliver, Letter, TryLater, Undeliverable
from members.messaging.channels.sms import open_sms

CHANNELS: dict[str, Channel] = {"email": open_email, "inbox": open_inbox, "sms": open_sms}

__all__ = ["CHANNELS", "Channel", "Deliver", "Letter", "TryLater", "Undeliverable"]
