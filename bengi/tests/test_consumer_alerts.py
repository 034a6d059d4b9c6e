"""Price alerts over the socket: a topic of the person's own, with a seq like an account's."""

from decimal import Decimal

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi.terms import AlertKind
from bengi.tests.sockets import NOW, socket_of
from instruments.tests.factories import InstrumentFactory
from watchlists.firing import fire
from watchlists.models import PriceAlert
from watchlists.services import set_alert
from watchlists.tests.factories import print_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_board")]


@database_sync_to_async
def set_and_fire(user, instrument) -> PriceAlert:
    terms = {"price": Decimal(110), "percent": None, "note": "", "now": NOW}
    alert = set_alert(user, instrument.symbol, AlertKind.ABOVE, **terms)
    fire({alert.id: [print_of(instrument, "111", NOW)]}, NOW)
    return alert


async def test_an_alert_is_told_on_its_owners_topic(account, cookie, swift):
    instrument = await database_sync_to_async(InstrumentFactory)(symbol="ABC")
    topic = f"user:{account.user_id}"
    async with socket_of(cookie) as socket:
        subscribed = await socket.ask(type="SUBSCRIBE", topics=[topic])
        assert subscribed["topics"] == [{"topic": topic, "seq": 0}]
        alert = await set_and_fire(account.user, instrument)
        told = [await socket.hear(), await socket.hear()]
        assert [(m["type"], m["seq"], m["event"]) for m in told] == [
            ("ALERT_UPDATE", 1, "alert.set"),
            ("ALERT", 2, "alert.fired"),
        ]
        assert told[1]["topic"] == topic
        assert (told[1]["alert"]["id"], told[1]["alert"]["fired_price"]) == (str(alert.id), "111")
        assert "state" not in told[1]
        await socket.ask(type="UNSUBSCRIBE", topics=[topic])
        assert (await socket.ask(type="RESUME", topic=topic, after=1))["type"] == "SUBSCRIBED"
        assert await socket.hear() == told[1]


async def test_another_persons_topic_is_no_topic(account, cookie):
    other = await database_sync_to_async(UserFactory)()
    async with socket_of(cookie) as socket:
        for topic in (f"user:{other.pk}", f"user:{account.id}", f"account:{account.user_id}"):
            answer = await socket.ask(type="SUBSCRIBE", topics=[topic])
            assert (answer["code"], answer["topic"]) == ("unknown_topic", topic)
            answer = await socket.ask(type="RESUME", topic=topic, after=0)
            assert (answer["code"], answer["topic"]) == ("unknown_topic", topic)


def test_the_messages_come_over_http_too(account):
    set_alert(
        account.user,
        InstrumentFactory(symbol="ABC").symbol,
        AlertKind.ABOVE,
        price=Decimal(110),
        percent=None,
        note="",
        now=NOW,
    )
    client = Client()
    client.force_login(account.user)
    body = client.get("/api/v1/events?of=user&after=0").json()
    assert [(m["type"], m["topic"], m["seq"]) for m in body["results"]] == [
        ("ALERT_UPDATE", f"user:{account.user_id}", 1)
    ]
    assert client.get("/api/v1/events?of=user&after=1").json()["results"] == []
