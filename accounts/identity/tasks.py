"""Celery's part of mails: handed to a worker, which tries again while the mail server is away."""

import contextlib
from smtplib import SMTPException
from typing import Any

from celery import shared_task
from django.core.cache import cache
from django.core.mail import EmailMessage
from redis.exceptions import RedisError

from accounts.identity.mails import DELIVER

TRIES = 8
"""The last one about a quarter of an hour after the first."""
AGAIN_S, AGAIN_S_MAX = 10, 300
KNOWN_S = 86_400
"""So long a mail that has been sent is known to be."""


@shared_task(name=DELIVER, bind=True, max_retries=TRIES - 1)
def deliver(self: Any, key: str, name: str, subject: str, body: str, to: list[str]) -> bool:
    """Send a mail, again after a while where the server does not take it; return whether it was.

    A task that comes twice sends once, unless its worker died between sending and noting so.
    """
    if _is_sent(key):
        return False
    try:
        EmailMessage(subject, body, to=to).send()
    except (SMTPException, OSError) as error:
        wait_s = min(AGAIN_S * 2**self.request.retries, AGAIN_S_MAX)
        raise self.retry(exc=error, countdown=wait_s, argsrepr=name, kwargsrepr="") from error
    _note_sent(key)
    return True


def _is_sent(key: str) -> bool:
    try:
        return cache.get(_mark(key)) is not None
    except RedisError:
        return False


def _note_sent(key: str) -> None:
    with contextlib.suppress(RedisError):
        cache.set(_mark(key), 1, KNOWN_S)


def _mark(key: str) -> str:
    return f"bengi:mail:{key}"
