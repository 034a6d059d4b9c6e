"""Wishes come together; nobody waits for ever."""

import threading
from concurrent.futures import Future

import pytest

from instruments.twelvedata import coalescing
from instruments.twelvedata.coalescing import Coalescer
from instruments.twelvedata.errors import MinuteExhausted, NoData, ServerTrouble, TwelveDataError


class Desk:
    """What a coalescer asks, and how much room it finds."""

    def __init__(self, room=8):
        self.room, self.now_s, self.asked = room, 100.0, []
        self.fails = None
        self.coalescer = Coalescer(self.fetch, self.take, lambda: self.now_s)

    def take(self, wanted):
        got = min(wanted, self.room)
        self.room -= got
        return got

    def fetch(self, tokens):
        self.asked.append(list(tokens))
        if self.fails:
            raise self.fails
        return {t: NoData("gone", code=404) if t == "GONE" else f"price of {t}" for t in tokens}


def test_wishes_that_come_together_are_one_question():
    desk = Desk()
    futures = [desk.coalescer.ask(symbol) for symbol in ("AAPL", "MSFT", "AAPL", "KO")]
    assert desk.asked == []
    assert desk.coalescer.flush() == 0
    assert desk.asked == [["AAPL", "MSFT", "KO"]]
    assert futures[0] is futures[2]
    assert [future.result(0) for future in futures[:2]] == ["price of AAPL", "price of MSFT"]


def test_a_question_is_no_larger_than_the_credits_left():
    desk = Desk(room=2)
    futures = {symbol: desk.coalescer.ask(symbol) for symbol in "ABCDE"}
    assert desk.coalescer.flush() == 3
    assert desk.coalescer.flush() == 3
    desk.room = 8
    assert desk.coalescer.flush() == 0
    assert desk.asked == [["A", "B"], ["C", "D", "E"]]
    assert all(future.done() for future in futures.values())


def test_an_error_of_one_is_its_own_and_an_error_of_all_is_everybodys():
    desk = Desk()
    gone, good = desk.coalescer.ask("GONE"), desk.coalescer.ask("KO")
    desk.coalescer.flush()
    with pytest.raises(NoData):
        gone.result(0)
    assert good.result(0) == "price of KO"
    desk.fails = ServerTrouble("down", code=500)
    lost = desk.coalescer.ask("KO")
    assert desk.coalescer.flush() == 0
    with pytest.raises(ServerTrouble):
        lost.result(0)


def test_nobody_waits_for_ever():
    desk = Desk(room=0)
    old = desk.coalescer.ask("OLD")
    desk.now_s += coalescing.PATIENCE_S
    new = desk.coalescer.ask("NEW")
    assert desk.coalescer.flush() == 2
    desk.now_s += 0.1
    assert desk.coalescer.flush() == 1
    with pytest.raises(MinuteExhausted):
        old.result(0)
    assert not new.done()


def test_who_does_not_want_it_any_more_gets_nothing():
    desk = Desk()
    future: Future = desk.coalescer.ask("KO")
    future.cancel()
    assert desk.coalescer.flush() == 0
    assert future.cancelled()


def test_its_thread_answers_many_callers_at_once_and_refuses_the_rest_when_it_stops():
    desk = Desk(room=50)
    thread = threading.Thread(target=desk.coalescer.run)
    thread.start()
    futures = [desk.coalescer.ask(symbol) for symbol in "ABCDEFGH"]
    assert [future.result(5) for future in futures] == [f"price of {s}" for s in "ABCDEFGH"]
    assert len(desk.asked) == 1
    desk.room = 0
    late = desk.coalescer.ask("LATE")
    desk.coalescer.stop()
    thread.join(5)
    assert not thread.is_alive()
    with pytest.raises(TwelveDataError, match="stopped"):
        late.result(0)


def test_of_what_nothing_is_said_that_is_told():
    desk = Desk()
    desk.coalescer._fetch = lambda tokens: {"KO": "price of KO"}
    good, unheard = desk.coalescer.ask("KO"), desk.coalescer.ask("DELISTED")
    assert desk.coalescer.flush() == 0
    assert good.result(0) == "price of KO"
    with pytest.raises(TwelveDataError, match="nothing was said"):
        unheard.result(0)
