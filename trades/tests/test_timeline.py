"""Which steps a timeline tells, in which order, and what it counts as left out."""

from hypothesis import given
from hypothesis import strategies as st

from trades.explanation.timeline import BEGINNING, ENTRIES_MAX, arrival_quote, tell, timeline
from trades.tests.steps_told import SHORT, at, bare, fill, quote, step, subject, told

OF = subject()
REASON = {"code": "not_marketable", "numbers": SHORT}


def look(after_s, seq=1):
    return told(step("look", after_s, **REASON), seq)


def rested(after_s=0.0, seq=1):
    return told(step("rested", after_s, leaves_quantity="100", **REASON), seq)


def moved(after_s, seq=1):
    return told(step("trailed", after_s, mark="100", stop="99"), seq)


def asked(after_s, seq=1):
    return bare("pending_cancel", seq, after_s)


def filled(after_s, seq=1):
    seen = quote(after_s=after_s)
    return told({**fill("1", "100"), "at": at(after_s), "quote": seen}, seq)


def lines(*story, **unread):
    return [(entry.kind, entry.at) for entry in timeline(story, OF, **unread).entries]


def test_of_the_looks_the_first_and_the_latest_are_told():
    story = [rested(0), look(1), filled(2), look(3), filled(4), look(5), asked(6)]
    assert lines(*story) == [
        ("rested", at(0)),
        ("filled", at(2)),
        ("filled", at(4)),
        ("look", at(5)),
        ("pending_cancel", at(6)),
    ]
    assert timeline(story, OF).left_out == {"looks": 2, "moves": 0, "steps": 0}


def test_an_order_that_never_rested_tells_its_first_look_too():
    story = [look(1), look(2), look(3)]
    assert lines(*story) == [("look", at(1)), ("look", at(3))]
    assert lines(look(1)) == [("look", at(1))]


def test_of_the_moves_of_a_stop_the_first_and_the_latest_are_told():
    story = [rested(0), moved(1), moved(2), moved(3)]
    found = timeline(story, OF, moves_unread=7)
    assert [entry.at for entry in found.entries] == [at(0), at(1), at(3)]
    assert found.left_out["moves"] == 8


def test_a_look_stands_where_it_happened_though_it_was_told_later():
    for asked_at in (5, 9):
        assert lines(rested(0, 1), asked(asked_at, 2), look(5, 3)) == [
            ("rested", at(0)),
            ("look", at(5)),
            ("pending_cancel", at(asked_at)),
        ]


def test_decisions_stay_in_their_order_though_a_tick_came_late():
    assert lines(rested(2, 1), filled(1, 2), asked(3, 3)) == [
        ("rested", at(2)),
        ("filled", at(2)),
        ("pending_cancel", at(3)),
    ]
    late = timeline([rested(2, 1), filled(1, 2)], OF).entries[1]
    assert late.quote is not None
    assert late.quote["age_s"] == "1"


def test_a_long_story_tells_its_beginning_and_its_end():
    story = [filled(second, seq=second) for second in range(100)]
    found = timeline(story, OF, events_unread=1000)
    assert [entry.seq for entry in found.entries] == [*range(BEGINNING), *range(60, 100)]
    assert len(found.entries) == ENTRIES_MAX
    assert (found.left_out["steps"], found.gap) == (1040, BEGINNING)
    assert timeline(story[:ENTRIES_MAX], OF).gap is None


def test_an_event_tells_its_steps_and_that_an_order_is_full():
    order = {"filled_quantity": "5", "average_price": "99"}
    payload = {"order": order, "steps": [fill("2", "99", leaves="3"), fill("3", "99")]}
    kinds = [(one.step["kind"], one.seq) for one in tell("order.filled", 7, at(1), payload)]
    assert kinds == [("filled", 7), ("filled", 7), ("complete", 7)]
    (alone,) = tell("order.filled", 7, at(1), {"order": order})
    assert timeline([alone], OF).entries[0].text == (
        "Bought 5 at 99.00 on average; nothing is held any more."
    )


def test_an_event_without_steps_tells_that_it_happened():
    (one,) = tell("order.pending_cancel", 7, at(1), {"order": {"id": "x"}, "steps": []})
    assert one.step == {"kind": "pending_cancel", "at": at(1), "quote": None}
    assert one.is_bare
    (other,) = tell("trade.busted", 8, at(2), {})
    assert (other.step["kind"], other.order) == ("trade.busted", {})


def test_a_story_nobody_wrote_down_is_empty():
    found = timeline([], OF)
    assert (found.entries, found.gap, arrival_quote([])) == ([], None, None)


def test_the_market_on_arrival_is_the_first_quote():
    assert arrival_quote([asked(0), look(1), look(2)]) == quote(after_s=1)


# The twin looks at each step alone: is there an earlier one, is there a later one of its kind?

KINDS = {"L": look, "R": rested, "M": moved, "A": asked, "F": filled}


@given(st.text(alphabet="LMAF", max_size=12), st.booleans())
def test_the_first_and_the_latest_of_each_and_all_of_the_rest(letters, has_rested):
    letters = "R" + letters if has_rested else letters
    story = [KINDS[letter](second, seq=second) for second, letter in enumerate(letters)]
    wanted = []
    for second, letter in enumerate(letters):
        is_first = letter not in letters[:second] and not (letter == "L" and has_rested)
        is_latest = letter not in letters[second + 1 :]
        if letter not in "LM" or is_first or is_latest:
            wanted.append(second)
    found = timeline(story, OF)
    assert [entry.seq for entry in found.entries] == wanted
    assert sum(found.left_out.values()) == len(letters) - len(wanted)


def split(status, ratio="7:1"):
    terms = {"quantity": "100", "limit_price": "70"}
    told_step = step("split", 9, market=None, ratio=ratio, before=terms, after=terms)
    return told(told_step, status=status)


def test_the_arrival_is_told_in_the_shares_that_the_order_fills_in():
    met = told(step("rested", 0, "69.93x60 70.07x100", leaves_quantity="100"))
    found = arrival_quote([met, split("new"), filled(10)])
    assert (found["bid"], found["ask"], found["bid_size"]) == ("9.99", "10.01", "420")
    assert arrival_quote([met, split("new"), split("new", "1:7")])["ask"] == "70.07"
    assert arrival_quote([met, split("replaced")])["ask"] == "70.07"
    assert arrival_quote([split("new"), met])["ask"] == "70.07"
