"""Steps in, sentences out."""

import pytest

from trades.explanation.ends import ENDS
from trades.explanation.fills import SOURCES
from trades.explanation.words import BARE, KINDS, words_of
from trades.matching import outcomes
from trades.steps import KINDS_OF_STEPS
from trades.tests.group_steps import GROUP_STEPS
from trades.tests.staff_steps import STAFF_STEPS
from trades.tests.steps_told import ACCEPTED, SHORT, bare, fill, step, subject, told

BUY, SELL = subject("buy"), subject("sell")

# what is told, whose order, title, aside, text
LIMIT_FORMULA = {"price": "99.95", "basis": "limit_price", "quantity": "100", "commission": "1"}
MARKET_FORMULA = LIMIT_FORMULA | {"basis": "protection_price", "commission": "0"}
STEPS = [
    (
        told(step("accepted", **ACCEPTED, formula=LIMIT_FORMULA)),
        BUY,
        "Accepted",
        "9,996.00 USD reserved",
        (
            "9 checks passed. 9,996.00 USD are set aside, so that it can always be paid for: "
            "100 × 99.95 and 1.00 USD commission."
        ),
    ),
    (
        told(step("accepted", **ACCEPTED, formula=MARKET_FORMULA)),
        subject(kind="market"),
        "Accepted",
        "9,996.00 USD reserved",
        (
            "9 checks passed. 9,996.00 USD are set aside, so that it can always be paid for: "
            "100 × 99.95 (4 % above the ask)."
        ),
    ),
    (
        told(step("accepted", **(ACCEPTED | {"reserved_after": "40"}))),
        SELL,
        "Accepted",
        "40 ABC reserved",
        "9 checks passed. 40 ABC are set aside, so that they cannot be sold twice.",
    ),
    (
        bare("accepted", replaces="another"),
        BUY,
        "Accepted",
        "",
        "It has taken the place of the order it replaces, and waits for its market to open.",
    ),
    (
        told(step("held", checks=[{}] * 8, reserved_after="0"), replaces="another"),
        SELL,
        "Held",
        "",
        (
            "8 checks passed. It is held until the engine has taken back the order whose place it "
            "takes."
        ),
    ),
    (
        bare("held"),
        SELL,
        "Held",
        "",
        "It is held until the order that it belongs to has filled.",
    ),
    (
        told(
            step("rested", leaves_quantity="100", code="not_marketable", numbers=SHORT),
            limit_price="99.95",
        ),
        BUY,
        "Resting at 99.95",
        "ask 0.05 above the limit",
        "The limit 99.95 is 0.05 below the ask 100.00 × 60.",
    ),
    (
        told(
            step("rested", leaves_quantity="40", code="no_size_left", numbers={"ask": "100"}),
            limit_price=None,
        ),
        subject(kind="market"),
        "40 left, waiting",
        "nothing left at 100.00",
        "Nothing is left of the ask 100.00 × 60; the next quote brings more.",
    ),
    (
        told(
            step(
                "rested",
                leaves_quantity="100",
                code="stop_not_reached",
                numbers={"stop": "95", "last": "100"},
            )
        ),
        SELL,
        "Asleep until a trade at 95.00",
        "last trade 5.00 from the stop",
        "The stop stands at 95.00; the last trade, at 100.00, is 5.00 away.",
    ),
    (
        told(step("rested", leaves_quantity="100")),
        BUY,
        "Resting at 100.00",
        "",
        "It stands in the book from now on.",
    ),
    (
        told(step("look", code="not_marketable", numbers=SHORT, quote_age_s=0)),
        BUY,
        "No fill",
        "ask 0.05 above the limit",
        "The limit 99.95 is 0.05 below the ask 100.00 × 60.",
    ),
    (
        told(fill("60", "100", leaves="40")),
        BUY,
        "Bought 60 at 100.00",
        "from the street",
        (
            "Best price first: the ask stood at 100.00 × 60, within the limit of 100.00. "
            "It showed 60, so 60 is what it gave."
        ),
    ),
    (
        told(fill("25", "99.98", leaves="75"), limit_price=None),
        SELL,
        "Sold 25 at 99.98",
        "from the street",
        "Best price first: the bid stood at 99.98 × 60. That was all there was left of it.",
    ),
    (
        told(fill("60", "100"), limit_price="100.2"),
        BUY,
        "Bought 60 at 100.00",
        "from the street",
        (
            "Best price first: the ask stood at 100.00 × 60, within the limit of 100.20. "
            "That is 0.20 better than the limit."
        ),
    ),
    (
        told(fill("10", "99.95"), limit_price=None),
        SELL,
        "Sold 10 at 99.95",
        "from the street",
        "Best price first: the bid stood at 99.98 × 60. The price is 0.03 worse than that.",
    ),
    (
        told(fill("10", "99.99", code="match", role="taker"), limit_price="99.99"),
        BUY,
        "Bought 10 at 99.99",
        "from another customer",
        "The best on offer was another customer's order; it was there first, at its own price.",
    ),
    (
        told(fill("10", "100", code="match", role="maker")),
        SELL,
        "Sold 10 at 100.00",
        "from another customer",
        "Another customer's order came to this one, which had been there before it.",
    ),
    (
        told(fill("10", "100", code="match")),
        SELL,
        "Sold 10 at 100.00",
        "from another customer",
        "It met another customer's order.",
    ),
    (
        told(fill("10", "100", code="by_hand")),
        BUY,
        "Bought 10 at 100.00",
        "by hand",
        "There are no words for this kind of fill yet: by_hand.",
    ),
    (
        told(step("triggered", last="94.9", stop="95"), limit_price=None),
        SELL,
        "Stop fired at 94.90",
        "",
        (
            "A trade at 94.90 reached the stop at 95.00. It is a market order from "
            "the next quote on, never on the one that fired it."
        ),
    ),
    (
        told(step("triggered", last="94.9", stop="95"), limit_price="94.5"),
        SELL,
        "Stop fired at 94.90",
        "",
        (
            "A trade at 94.90 reached the stop at 95.00. It is a limit order at 94.50 from "
            "the next quote on, never on the one that fired it."
        ),
    ),
    (
        told(step("trailed", mark="102", stop="101")),
        SELL,
        "Stop moved to 101.00",
        "",
        "The highest trade since it was accepted is 102.00 now; the stop follows 1.00 below.",
    ),
    (
        told(step("trailed", mark="90", stop="91.5")),
        BUY,
        "Stop moved to 91.50",
        "",
        "The lowest trade since it was accepted is 90.00 now; the stop follows 1.50 above.",
    ),
    (
        told(
            step("canceled", code="user", reserved_before="4000", reserved_after="0"),
            filled_quantity="60",
        ),
        BUY,
        "Canceled",
        "as you asked",
        (
            "You asked for it, and the engine has taken it back. 60 of 100 had filled. "
            "4,000.00 USD are free again."
        ),
    ),
    (
        told(step("canceled", code="self_trade", reserved_before="5", reserved_after="0")),
        SELL,
        "Canceled",
        "met your own order",
        (
            "It would have met another order of this account, which never trades with itself. "
            "Nothing had filled. 5 ABC are free again."
        ),
    ),
    (
        told(step("canceled", code="ioc_remainder")),
        BUY,
        "Canceled",
        "one look only",
        "It had one look at the market, and nothing more was within reach. Nothing had filled.",
    ),
    (
        told(step("canceled", code="opg_remainder")),
        BUY,
        "Canceled",
        "the opening is over",
        "Nothing more was within reach at the opening. Nothing had filled.",
    ),
    (
        told(step("canceled", code="cls_remainder")),
        BUY,
        "Canceled",
        "the close is over",
        "Nothing more was within reach at the close. Nothing had filled.",
    ),
    (
        told(step("canceled", code="fok_unfillable")),
        BUY,
        "Canceled",
        "all or nothing",
        "The whole quantity was not there at once, so it took none of it. Nothing had filled.",
    ),
    (
        told(step("canceled", code="market_remainder")),
        BUY,
        "Canceled",
        "nobody left",
        "No feed quotes it, and no other customer was there to trade with. Nothing had filled.",
    ),
    (
        told(step("canceled", code="flood"), reason="The cellar is under water."),
        BUY,
        "Canceled",
        "",
        "The cellar is under water. Nothing had filled.",
    ),
    (
        told(step("canceled", code="flood")),
        BUY,
        "Canceled",
        "",
        "There are no words for this reason yet: flood. Nothing had filled.",
    ),
    (
        told(step("expired", reserved_before="990", reserved_after="0")),
        BUY,
        "Expired",
        "time in force day",
        "The session it was good for has closed. Nothing had filled. 990.00 USD are free again.",
    ),
    (
        told(step("expired"), expires_at="2026-03-02T15:00:00.000000Z"),
        subject(tif="gtd"),
        "Expired",
        "time in force gtd",
        "It was good until 10:00 New York time. Nothing had filled.",
    ),
    (
        told(step("expired")),
        subject(tif="gtc"),
        "Expired",
        "time in force gtc",
        "The time it was good for is over. Nothing had filled.",
    ),
    (
        told(step("replaced", new_id="another"), filled_quantity="60"),
        BUY,
        "Replaced",
        "as you asked",
        "The order you asked for has taken its place. 60 of 100 had filled.",
    ),
    (
        told(step("rejected", code="processing_failed")),
        BUY,
        "Rejected",
        "a fault of ours",
        "It could not be processed, time and again, so it was taken back. Nothing had filled.",
    ),
    (
        told(step("not_replaced", new_id="another")),
        BUY,
        "Not replaced",
        "it goes on",
        "It had filled as much, fired or closed before the new one could take its place.",
    ),
    (
        bare("pending_cancel"),
        BUY,
        "You asked to cancel it",
        "",
        "Until the engine has taken it back, a fill may still come first.",
    ),
    (
        bare("pending_replace"),
        BUY,
        "You asked for another order in its place",
        "",
        "It goes on until the engine has put the new order in its place.",
    ),
    (
        bare("rejected", reason="The order it was to replace had closed."),
        BUY,
        "Rejected",
        "",
        "The order it was to replace had closed.",
    ),
    (
        told(
            fill("100", "99.95") | {"kind": "complete"},
            filled_quantity="100",
            average_price="99.95",
        ),
        BUY,
        "Filled",
        "4.00 USD released",
        "Bought 100 at 99.95 on average; nothing is held any more.",
    ),
    (
        told(fill("5", "99") | {"kind": "complete"}, filled_quantity="5", average_price="99"),
        SELL,
        "Filled",
        "",
        "Sold 5 at 99.00 on average; nothing is held any more.",
    ),
    *GROUP_STEPS,
    *STAFF_STEPS,
    (
        bare("canceled", reason="Its sibling has filled."),
        BUY,
        "Canceled",
        "",
        "Its sibling has filled.",
    ),
    (
        bare("trade.flooded"),
        BUY,
        "Flooded",
        "",
        "There are no words for this yet; the log calls it trade.flooded.",
    ),
    (
        told(fill("40", "9.75", code="manual", reason="Phone order."), limit_price="9.80"),
        BUY,
        "Bought 40 at 9.75",
        "by hand",
        "Staff filled it by hand: Phone order. That is 0.05 better than the limit.",
    ),
]


@pytest.mark.parametrize(("it", "of", "title", "aside", "text"), STEPS)
def test_a_step_in_words(it, of, title, aside, text):
    words = words_of(it, of)
    assert (words.title, words.aside, words.text) == (title, aside, text)


def test_every_kind_and_every_end_has_words_and_a_row_above():
    assert {*KINDS_OF_STEPS.values(), "accepted", "held", "look"} <= set(KINDS)
    for table, is_bare in ((KINDS, False), (BARE, True)):
        assert set(table) <= {it.step["kind"] for it, *_ in STEPS if it.is_bare is is_bare}
    assert set(ENDS) == set(outcomes.DETAILS)
    told_codes = {it.step.get("code") for it, *_ in STEPS}
    assert set(ENDS) <= told_codes
    assert set(SOURCES) <= told_codes | {it.step.get("role") for it, *_ in STEPS}


def test_who_made_it_happen():
    ends = {
        "customer": step("canceled", code="user"),
        "engine": step("canceled", code="self_trade"),
        "clock": step("expired"),
        "staff": step("busted", market=None, quantity="1", price="1", reason="Why"),
    }
    assert {name: words_of(told(end), BUY).by for name, end in ends.items()} == {
        name: name for name in ends
    }
    assert words_of(bare("pending_cancel"), BUY).by == "customer"
    assert words_of(told(fill("1", "1", code="manual", reason="Why")), BUY).by == "staff"
