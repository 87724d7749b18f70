"""Verbs: give tills their keys and take them away, find the till behind a key."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import QuerySet

from members.stores.models import Store, Till, User

KEY_BEGINS = "rk_"
# every request asks this: written out it costs a third of what the ORM takes to say the same
TILL_BY_HASH = """
SELECT t.*, s.code AS store_code FROM members_till t JOIN members_store s ON s.id = t.store_id
 WHERE t.key_hash = %s AND t.revoked_at IS NULL
"""
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def hash_of(key: str) -> str:
    """Keys are 256 random bits, so one fast hash is enough; equal hashes are found by index, not compared by us."""
    return sha256(key.encode()).hexdigest()


@transaction.atomic
def open_till(*, store: Store, name: str) -> tuple[Till, str]:
    """Make a till and its key. The key is returned this once and never stored."""
    key = KEY_BEGINS + secrets.token_urlsafe(32)
    till = Till.objects.create(store=store, name=name, key_prefix=key[:8], key_hash=hash_of(key))
    return till, key


def revoke_till(*, till: Till, now: datetime) -> None:
    """Shut a till out for good. A second time changes nothing."""
    Till.objects.filter(pk=till.pk, revoked_at=None).update(revoked_at=now)


def till_with_key(*, key: str, now: datetime) -> Till | None:
    """The till whose key this is, with its `store_code`, unless revoked. Notes its use, at most once a minute."""
    till: Till | None = next(iter(Till.objects.raw(TILL_BY_HASH, [hash_of(key)])), None)
    if till is not None and (till.last_used_at is None or till.last_used_at < now - USE_IS_NOTED_EVERY):
        Till.objects.filter(pk=till.pk).update(last_used_at=now)
    return till


def stores_of(user: User) -> QuerySet[Store]:
    """The stores whose members and sales this person may see."""
    if user.is_superuser or user.sees_all_stores:
        return Store.objects.all()
    return Store.objects.filter(posts__user=user)
