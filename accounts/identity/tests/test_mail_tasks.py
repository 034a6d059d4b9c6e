"""Mails by task: sent once, tried again, and sent from here where no broker takes them."""

from smtplib import SMTPServerDisconnected
from typing import Any

import celery
import pytest
from celery.exceptions import Retry
from django.core import mail
from django.core.cache import cache
from django.core.mail import EmailMessage
from kombu.exceptions import OperationalError

from accounts.identity import mails
from accounts.identity.tasks import deliver
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
MAIL = ("key-1", "token_reused", "Hello", "Body", ["a@bengi.example"])


@pytest.fixture(autouse=True)
def _by_task(settings: Any) -> None:
    settings.MAIL_IN_BACKGROUND = settings.MAIL_BY_TASK = True
    cache.clear()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the postman's thread be the test's own."""

    class Postman:
        def submit(self, do: Any, *args: Any) -> None:
            do(*args)

    monkeypatch.setattr(mails, "_postman", Postman())


def test_a_mail_is_left_to_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        celery.current_app, "send_task", lambda name, args, **more: sent.append((name, args, more))
    )
    user = UserFactory()
    mails.send("token_reused", user, {"address": "1.2.3.4"})
    ((task, args, more),) = sent
    assert task == deliver.name
    assert args[4] == [user.email]
    assert "1.2.3.4" in args[3]
    assert more == {"expires": 3600, "argsrepr": "token_reused", "kwargsrepr": ""}, (
        "no link in logs"
    )
    assert mail.outbox == []
    assert deliver(*args)
    assert [each.to for each in mail.outbox] == [[user.email]]


def test_where_no_broker_takes_it_it_is_sent_from_here(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("planted")

    monkeypatch.setattr(celery.current_app, "send_task", refuse)
    mails.send("token_reused", UserFactory(), {"address": "1.2.3.4"})
    assert len(mail.outbox) == 1
    assert "no broker takes the mail token_reused" in caplog.text


def test_a_task_that_comes_twice_sends_once() -> None:
    assert deliver(*MAIL)
    assert not deliver(*MAIL)
    assert deliver("key-2", *MAIL[1:])
    assert len(mail.outbox) == 2


def test_it_tries_again_while_the_server_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise SMTPServerDisconnected("planted")

    waits: list[int] = []

    def retry(*, countdown: int, **_: Any) -> Retry:
        waits.append(countdown)
        return Retry()

    monkeypatch.setattr(EmailMessage, "send", refuse)
    monkeypatch.setattr(deliver, "retry", retry)
    for tries in range(7):
        deliver.push_request(retries=tries)
        with pytest.raises(Retry):
            deliver.run(*MAIL)
        deliver.pop_request()
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    monkeypatch.undo()
    assert deliver(*MAIL), "what was not sent is not known to be"
