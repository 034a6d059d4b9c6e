"""docs/trading.md and docs/api.md tell traders what the code does, often word for word."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from bengi.terms import OrderStatus, OrderType, TimeInForce
from orders.lifecycle import CLOSED
from portfolios.models import Position
from trades.explanation.timeline import ENTRIES_MAX
from trades.explanation.words import BARE, KINDS
from trades.matching.outcomes import DETAILS
from trades.matching.reasons import REASONS
from trades.tests.test_explaining import LIFE, lines
from trades.tests.world import World

EXAMPLE_QUOTE = re.compile(r"bid ([\d.]+) ask ([\d.]+) × (\d+)(?:, last ([\d.]+))?")
DOCS = Path(settings.BASE_DIR) / "docs"


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    section = (DOCS / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = next(part for part in section.split("\n\n") if part.lstrip().startswith("|"))
    cells = [line.strip().strip("|").split("|") for line in table.strip().splitlines()]
    return [[cell.strip() for cell in row] for row in cells[2:]]


def words(page: str, heading: str) -> dict[str, str]:
    found = rows(page, heading)
    codes = [row[0].strip("`") for row in found]
    assert len(codes) == len(set(codes)), "a code stands twice"
    assert all(cell for row in found for cell in row)
    return dict(zip(codes, (row[1] for row in found), strict=True))


def test_every_reason_stands_in_the_table_in_the_codes_own_words():
    assert words("trading.md", "Why has it not filled?") == REASONS


def test_every_end_stands_in_the_table_in_the_codes_own_words():
    assert words("trading.md", "Why did it end?") == DETAILS


def test_every_type_time_in_force_and_status_has_a_row():
    assert set(words("trading.md", "What you can send")) == set(OrderType)
    assert set(words("trading.md", "How long it works, and how it ends")) == set(TimeInForce)
    statuses = list(words("trading.md", "Where it stands"))
    assert set(statuses) == set(OrderStatus)
    assert set(statuses[-len(CLOSED) :]) == CLOSED


def test_the_example_is_what_the_engine_and_the_page_say():
    example = [" | ".join(row).replace("|  |", "| |") for row in example_rows()]
    assert [line.replace(" | ", " ", 1) for line in example] == lines(LIFE)


def example_rows() -> list[list[str]]:
    return rows("trading.md", "How to read an explanation")


@pytest.mark.django_db
def test_the_bracket_of_the_example_lives_as_it_says(world: World):
    """Every row is a quote, and how the three orders stand after it."""
    trader, abc = world.trader(), world.instrument()
    entry = None
    told = rows("trading.md", "Groups: an entry and its exits")
    for market, *expected in told:
        bid, ask, size, last = EXAMPLE_QUOTE.fullmatch(market).groups()
        world.tick(abc, bid, ask, size=int(size), last=last)
        if entry is None:
            entry = world.place(trader, abc, "buy", 100, limit="50", profit="55", loss="48")
        entry.refresh_from_db()
        orders = [entry, *sorted(world.legs(entry).values(), key=lambda leg: leg.leg, reverse=True)]
        found = [f"{o.status}, {o.filled_quantity:.0f} of {o.quantity:.0f}" for o in orders]
        reserved = sum(p.reserved_quantity for p in Position.objects.all())
        assert [*found, f"{reserved:.0f}"] == expected, market
    assert len(told) == 6


def test_the_api_page_lists_every_kind_of_entry():
    text = (DOCS / "api.md").read_text()
    section = text.split("\n## Explaining an order\n")[1].split("\n## ")[0]
    table = section[section.index("| `kind` |") :]
    listed = {
        kind.strip(" `")
        for line in table.splitlines()[2:]
        if line.startswith("|")
        for kind in line.split("|")[1].split(",")
    }
    assert listed == {*KINDS, *BARE}
    assert f"at most {ENTRIES_MAX} entries" in section
