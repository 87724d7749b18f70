"""Rates: how often somebody did something within the running window, counted in Redis."""

import logging
import time
from functools import cache
from hashlib import sha256

from django.conf import settings
from redis import Redis, RedisError

logger = logging.getLogger(__name__)


@cache
def counters() -> Redis:
    """The connection pool to the counters; short timeouts, because a till waits."""
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)


def count(*, what: str, who: str, seconds: int) -> int:
    """Count one more and tell how many there were in this window of so many seconds.

    Without Redis nobody is counted and the answer is 0: a shop goes on selling. `who` is stored hashed.
    """
    slot = int(time.time()) // seconds
    key = f"rate:{what}:{sha256(who.encode()).hexdigest()[:32]}:{slot}"
    try:
        with counters().pipeline(transaction=False) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, seconds)
            counted = pipeline.execute()[0]
    except RedisError as error:
        logger.warning("rates are not counted: %s", type(error).__name__)
        return 0
    return int(counted)
