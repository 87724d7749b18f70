"""Races: the same work in many threads that start at the same moment, each with a database connection of its own."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connections


def all_at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """Run `work(number)` in so many threads that start together; what each returned or raised."""
    barrier = Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
