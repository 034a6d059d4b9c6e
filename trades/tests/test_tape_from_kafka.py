"""The tape as `run_tape` prints it, from a broker in another process."""

import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from bengi import kafka as bengi_kafka
from bengi.events.models import Event
from bengi.kafka import Message, Publisher
from bengi.kafka_routes import KafkaRelay
from bengi.threads import Crew
from trades import tape_loop
from trades.models import TapePrint, Trade
from trades.tape import next_offsets, print_tape
from trades.tape_loop import TapeLoop
from trades.tests.desk import correct_a_little
from trades.tests.test_tape import expected, tape, traded
from trades.tests.world import World, open_world

WAIT_S = 30


def publish_all() -> int:
    """Publish every event there is, and return how many trades are among them."""
    events = list(Event.objects.order_by("stream_id", "seq"))
    KafkaRelay().publish(events)
    return sum(event.type.startswith("trade.") for event in events)


def test_it_is_printed_once_and_the_same_from_offset_0(world: World, kafka: str, capsys):
    correct_a_little(world)
    count = publish_all()
    call_command("run_tape", "--until-end")
    assert capsys.readouterr().out == f"{count} trades printed.\n"
    before = tape()
    assert traded(before[1]) == expected()
    call_command("run_tape", "--until-end")
    publish_all()  # as a relay does that died before its positions moved
    call_command("run_tape", "--until-end")
    assert capsys.readouterr().out == "0 trades printed.\n" * 2
    assert tape() == before
    assert sum(next_offsets().values()) == 2 * count
    call_command("run_tape", "--rebuild", "--until-end")
    assert capsys.readouterr().out == f"{count} trades printed.\n"
    assert tape() == before


def test_what_cannot_be_read_is_passed_over(world: World, kafka: str, caplog):
    correct_a_little(world)
    Publisher().publish([Message("trades", b"k", b"{", {}, 0)])
    count = publish_all()
    call_command("run_tape", "--until-end")
    assert TapePrint.objects.count() == Trade.objects.count() == count
    assert "the tape cannot read" in caplog.text


def test_a_broker_that_is_away_is_said_in_one_line(settings, db, monkeypatch):
    settings.BENGI_KAFKA = "127.0.0.1:1"
    monkeypatch.setattr(bengi_kafka, "CONNECT_S", 1)
    with pytest.raises(CommandError, match="Kafka is away"):
        call_command("run_tape", "--until-end")


@pytest.mark.django_db(transaction=True)
def test_it_keeps_printing(kafka: str):
    keep_printing()


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_after_its_database_was_away(kafka: str, monkeypatch, caplog):
    """What was read and could not be printed is read again."""
    tries = iter([True, True])

    def print_or_fail(*args):
        if next(tries, False):
            raise OperationalError("the connection is lost")
        return print_tape(*args)

    monkeypatch.setattr(tape_loop, "PAUSE_S", 0.1)
    monkeypatch.setattr(tape_loop, "print_tape", print_or_fail)
    keep_printing()
    assert caplog.text.count("the tape waits for the database: the connection is lost") == 2


def keep_printing() -> None:
    """Let trades be published under a running tape; return once it has them all."""
    with open_world() as world:
        correct_a_little(world)
    loop, crew = TapeLoop(), Crew()
    crew.add("tape", loop)
    try:
        count = publish_all()
        deadline_s = time.monotonic() + WAIT_S
        while TapePrint.objects.count() < count:
            assert time.monotonic() < deadline_s
            threading.Event().wait(0.1)
    finally:
        has_ended = crew.stop(WAIT_S)
    assert has_ended
    assert traded(tape()[1]) == expected()
