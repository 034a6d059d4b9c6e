"""Bugs planted in the explanation of orders: its own tests, run again, must catch every one."""

from collections.abc import Iterator

import pytest

from orders.models import Order
from trades import explaining
from trades.tests.sandbox import FAMILY, Bug, Sandbox, changed
from trades.tests.test_explaining import check_foreign, check_life
from trades.tests.world import World

HERE = "trades.explanation"
TESTS = (
    "trades.tests.test_explanation",
    "trades.tests.test_explanation_numbers",
    "trades.tests.test_reason_now",
    "trades.tests.test_timeline",
    "trades.tests.test_why_in_words",
)
FAMILY_OF_TESTS = (*FAMILY, HERE, *TESTS, "trades.tests.steps_told", "trades.tests.test_reasons")


LATEST_IS_FIRST = Bug(
    "the latest look told is not the latest",
    "timeline",
    "looks[-1:] if has_first",
    "looks[:1] if has_first",
)
BUGS = [
    LATEST_IS_FIRST,
    Bug("the latest move told is not the latest", "timeline", "*moves[1:][-1:]", "*moves[1:][:1]"),
    Bug(
        "a long story loses its end",
        "timeline",
        "entries[BEGINNING : BEGINNING + cut] = []",
        "entries[ENTRIES_MAX:] = []",
    ),
    Bug(
        "what was left out is not counted",
        "timeline",
        "len(looks) - len(kept_looks)",
        "len(kept_looks) - len(kept_looks)",
    ),
    Bug("a look comes after the request", "timeline", "place -= 1", "break"),
    Bug("a sell gains by a lower price", "subject", "else reference - price", "else price"),
    Bug("a buy looks at the bid", "quotes", '"ask" if side is Side.BUY', '"bid" if side'),
    Bug("a quote is never old", "quotes", "max(Decimal(0), ", "min(Decimal(0), "),
    Bug("above is below", "why", '"above" if of.is_buy', '"above" if not of.is_buy'),
    Bug("what a fill gave back counts its price twice", "fills", "- spent\n", "- 2 * spent\n"),
    Bug("who came first is mixed up", "fills", '"maker": Source(', '"maker_": Source('),
    Bug("the whole spread is paid", "costs", "wide / 2 * filled", "wide * filled"),
    Bug("costs are not counted", "costs", "lost + filled.commission + filled.fees", "lost"),
    Bug(
        "the market is looked at before the exchange has opened",
        "now",
        "if situation.opens_at is not None",
        "if situation.opens_at is False",
    ),
    Bug("a fired stop is told as taken", "now", "quote.as_of <= fired_at", "quote is order"),
]


def calls(module: object) -> Iterator[tuple[object, dict[str, object]]]:
    """Yield every test of a module with its arguments, one row of its table at a time."""
    for name, test in vars(module).items():
        if not name.startswith("test_"):
            continue
        tables = [m.args for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
        assert len(tables) <= 1, "the sandbox runs tests with one table"
        if not tables:
            yield test, {}
        for names, rows in tables:
            listed = [names] if isinstance(names, str) else list(names)
            for row in rows:
                values = [row] if len(listed) == 1 else row
                yield test, dict(zip(listed, values, strict=True))


def run_tests(sandbox: Sandbox) -> int:
    count = 0
    for name in TESTS:
        for test, arguments in calls(sandbox.load(name)):
            test(**arguments)
            count += 1
    return count


def planted(bug: Bug) -> Sandbox:
    module = f"{HERE}.{bug.module}"
    return Sandbox({module: changed(module, bug.old, bug.new)}, FAMILY_OF_TESTS)


def test_the_sandbox_passes_without_a_bug():
    assert run_tests(Sandbox(family=FAMILY_OF_TESTS)) > 100


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_tests_catch(bug: Bug):
    with pytest.raises(AssertionError):
        run_tests(planted(bug))


def test_a_wrong_latest_look_is_noticed_in_a_whole_life(world: World, monkeypatch):
    wrong = planted(LATEST_IS_FIRST).load(f"{HERE}.timeline")
    monkeypatch.setattr(explaining, "timeline", wrong.timeline)
    with pytest.raises(AssertionError):
        check_life(world)


def test_an_order_explained_to_anybody_is_noticed(world: World, monkeypatch):
    everybodys = Order.objects.select_related("instrument")
    monkeypatch.setattr(explaining, "order_of", lambda _, order_id: everybodys.get(id=order_id))
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_foreign(world)
