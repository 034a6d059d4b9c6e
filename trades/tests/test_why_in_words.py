"""Reasons in, sentences out: why an order did not fill."""

import pytest

from trades.explanation.why import WHY, why
from trades.matching import reasons
from trades.tests.steps_told import at, quote, subject

BUY, SELL = subject("buy"), subject("sell")

# code, whose order, numbers, market, gist, sentence
REASONS = [
    (
        "not_marketable",
        BUY,
        {"limit": "100", "gap": "0.35", "ask": "100.35"},
        "99.98x60 100.35x300",
        "ask 0.35 above the limit",
        "The limit 100.00 is 0.35 below the ask 100.35 × 300.",
    ),
    (
        "not_marketable",
        SELL,
        {"limit": "100.1", "gap": "0.12", "bid": "99.98"},
        "99.98x60 100.35x300",
        "bid 0.12 below the limit",
        "The limit 100.10 is 0.12 above the bid 99.98 × 60.",
    ),
    (
        "cap_reached",
        BUY,
        {"cap": "104", "gap": "1.5", "ask": "105.5"},
        "105x60 105.5x1200",
        "ask 1.50 above what was reserved",
        "What was reserved pays 104.00 a share at most; that is 1.50 below the ask 105.50 × 1,200.",
    ),
    (
        "amount_too_small",
        BUY,
        {"left": "100.5", "ask": "101"},
        "99x60 101x300",
        "100.50 left of the amount",
        "What is left of the amount, 100.50, buys nothing at the ask 101.00 × 300.",
    ),
    (
        "stop_not_reached",
        SELL,
        {"stop": "95", "last": "98.5"},
        "98.4x60 98.6x60",
        "last trade 3.50 from the stop",
        "The stop stands at 95.00; the last trade, at 98.50, is 3.50 away.",
    ),
    (
        "after_trigger",
        BUY,
        {},
        "99x1 100x1",
        "the next quote works it",
        "The stop has fired; it is worked with the next quote, never with the one that fired it.",
    ),
    ("no_quote", BUY, {}, None, "no quote yet", "The market has not quoted ABC yet."),
    (
        "no_fresh_quote",
        BUY,
        {"age_s": "75.5", "guard_s": "15"},
        "99x1 100x1",
        "quote 1 min old",
        "The newest quote is 1 min old, and one older than 15 s decides nothing.",
    ),
    ("nobody_offers", BUY, {}, "99x1 -", "nobody sells", "Nobody sells ABC at the moment."),
    ("nobody_offers", SELL, {}, "- 99x1", "nobody buys", "Nobody buys ABC at the moment."),
    (
        "no_size_left",
        SELL,
        {"bid": "99.98", "size": "60"},
        "99.98x60 100x5",
        "nothing left at 99.98",
        "Nothing is left of the bid 99.98 × 60; the next quote brings more.",
    ),
    (
        "queue_ahead",
        BUY,
        {"limit": "99.98", "ahead": "1200"},
        "99.98x3000 100x5",
        "1,200 ahead at 99.98",
        "The market is at 99.98, and 1,200 that stood there before it have to trade first.",
    ),
    (
        "not_through",
        SELL,
        {"limit": "100", "bid": "100"},
        "100x60 100.02x5",
        "touched, not through",
        "The market has come to 100.00, but has to trade through it to fill this order.",
    ),
    (
        "no_volume",
        BUY,
        {},
        "99x0 100x0",
        "nothing traded to share",
        "The feed shows no sizes of ABC, and nothing has traded to have a share of.",
    ),
    (
        "on_its_way",
        BUY,
        {"latency_ms": "250"},
        "99x1 100x1",
        "arrives 250 ms later",
        "It takes 250 ms to reach the market; the first quote after that works it.",
    ),
    (
        "waits_for_opening",
        BUY,
        {},
        None,
        "waits for the opening",
        "It is for the opening: the first quote of the session decides.",
    ),
    (
        "waits_for_close",
        BUY,
        {},
        None,
        "waits for the close",
        "It is for the close: the last quote of the session decides.",
    ),
    (
        "session_closed",
        BUY,
        {"opens_at": "2026-03-02T15:30:00Z"},
        None,
        "closed until 10:30 New York time",
        "Its exchange is closed until 10:30 New York time.",
    ),
    (
        "session_closed",
        BUY,
        {"opens_at": "2026-03-03T14:30:00Z"},
        None,
        "closed until Tuesday 09:30 New York time",
        "Its exchange is closed until Tuesday 09:30 New York time.",
    ),
    ("halted", BUY, {}, None, "halted", "Trading in ABC is halted."),
    (
        "held_for_entry",
        BUY,
        {},
        None,
        "held",
        "It is held until the order that it belongs to has filled.",
    ),
    (
        "held_for_replace",
        BUY,
        {},
        None,
        "held",
        "It is held until the engine has taken back the order whose place it takes.",
    ),
    ("not_seen_yet", BUY, {}, None, "on its way", "The engine has not looked at it yet."),
]


@pytest.mark.parametrize(("code", "of", "numbers", "market", "gist", "sentence"), REASONS)
def test_a_reason_in_words(code, of, numbers, market, gist, sentence):
    seen = None if market is None else quote(market)
    assert why(code, numbers, seen, at(), of) == (gist, sentence)


def test_every_reason_has_words_and_a_row_above():
    assert set(WHY) == set(reasons.REASONS)
    assert {code for code, *_ in REASONS} == set(WHY)


def test_a_quote_that_has_stood_for_a_while_says_how_long():
    numbers = {"limit": "100", "gap": "0.35"}
    seen = quote("99.98x60 100.35x300")
    assert why("not_marketable", numbers, seen, at(2), BUY).sentence == (
        "The limit 100.00 is 0.35 below the ask 100.35 × 300, 2.0 s old."
    )


def test_a_number_that_is_missing_leaves_the_plain_words():
    assert why("stop_not_reached", {"stop": "95"}, None, at(), SELL) == (
        "",
        "No trade has reached the stop.",
    )


def test_a_reason_nobody_has_words_for_says_so():
    assert why("lunar_eclipse", {}, None, at(), BUY).sentence == (
        "There are no words for this reason yet: lunar_eclipse."
    )


def test_a_time_on_another_day_names_it():
    new_york = subject()
    now, opens_at = at(), "2026-04-06T13:30:00Z"
    assert why("session_closed", {"opens_at": opens_at}, None, now, new_york).gist == (
        "closed until 6 April 09:30 New York time"
    )
    utc = subject(zone="UTC")
    assert why("session_closed", {"opens_at": opens_at}, None, now, utc).gist == (
        "closed until 6 April 13:30 UTC"
    )
