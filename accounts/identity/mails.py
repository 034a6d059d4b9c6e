"""Mails to people. templates/mail/ holds them: the first line is the subject."""

import logging
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from accounts.models import User
from bengi.ids import new_id

logger = logging.getLogger(__name__)

DELIVER = "accounts.identity.tasks.deliver"
"""The task that sends a mail, by name: it stands above."""
EXPIRES_S = 3600
"""A mail that has waited so long for a worker is not sent: what its links open has passed."""

_postman = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def send(name: str, user: User, context: dict[str, Any], *, to: str = "") -> None:
    """Write to the user, after the answer: how long it takes tells nobody whether there is one.

    to: an address that is the user's not yet, or not any more, where it goes there.

    A mail that the server does not take is logged. Where workers send mails they try again for a
    while; elsewhere its owner asks again.
    """
    text = render_to_string(f"mail/{name}.txt", {"user": user, **context})
    subject, _, body = text.strip().partition("\n")
    message = EmailMessage(subject.strip(), body.lstrip("\n"), to=[to or user.email])
    if settings.MAIL_IN_BACKGROUND:
        _postman.submit(_hand_over if settings.MAIL_BY_TASK else _deliver, name, message)
    else:
        _deliver(name, message)


def link(request: Any, path: str) -> str:
    """Return the address of a page of this site, for a mail."""
    return page(path) or request.build_absolute_uri(path)


def page(path: str) -> str:
    """Return the address of a page where nobody asks for one: empty without settings.SITE_URL."""
    site: str = settings.SITE_URL
    return site.rstrip("/") + path if site else ""


def _hand_over(name: str, message: EmailMessage) -> None:
    """Leave a mail to a worker; where no broker takes it, send it from here."""
    from celery import current_app  # noqa: PLC0415 - the embedded mode does without
    from kombu.exceptions import OperationalError  # noqa: PLC0415

    mail = (str(new_id()), name, message.subject, message.body, message.to)
    try:
        current_app.send_task(DELIVER, mail, expires=EXPIRES_S, argsrepr=name, kwargsrepr="")
    except (OperationalError, OSError):
        logger.warning("no broker takes the mail %s, so it is sent from here", name)
        _deliver(name, message)


def _deliver(name: str, message: EmailMessage) -> None:
    try:
        message.send()
    except (SMTPException, OSError):
        logger.exception("the mail %s was not sent", name)
