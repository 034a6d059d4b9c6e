"""The page of one order: its story, its fills, the lots it closed, and what it cost to trade."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import User
from bengi.numerals import quantity
from orders.check_words import CheckLine, check_lines
from orders.selectors import group_of
from portfolios.holding_period import HoldingPeriod
from portfolios.selectors import closings_of
from trades.explaining import Explanation, explain, subject_of
from trades.explanation.costs import Costs, Shortfall
from trades.explanation.subject import since
from trades.explanation.tape import tape_of
from trades.explanation.timeline import Entry
from trades.selectors import trades_of


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of the timeline as the page shows it. left_out: something is missing after it."""

    entry: Entry
    at: datetime
    since: str
    checks: list[CheckLine]
    left_out: bool


@dataclass(frozen=True, slots=True)
class CostPart:
    """One part of what an order cost, and which share of the whole it is, in percent."""

    label: str
    amount: Decimal
    number: int
    start: str = ""
    width: str = ""


def order_page(user: User, order_id: UUID, now: datetime) -> dict[str, Any]:
    """Return the context of trades/order.html. Raises NotFound as explain() does."""
    explanation = explain(user, order_id, now=now)
    order = explanation.order
    fills = list(trades_of(user).filter(order=order).order_by("exec_id"))
    standing = [fill for fill in fills if fill.is_standing]
    closings = [
        (closing, HoldingPeriod.of(closing.lot, closing.closed_at))
        for closing in closings_of(fill.exec_id for fill in standing)
    ]
    shortfall = explanation.costs.shortfall
    subject = subject_of(order)
    return {
        "order": order,
        "instrument": order.instrument,
        "trades": fills,
        "standing": standing,
        "closings": closings,
        "group": group_of(order),
        "explanation": explanation,
        "json_url": f"/api/v1/orders/{order.id}/explain",
        "story": story_lines(explanation),
        "left_out": left_out_words(explanation.timeline.left_out),
        "tape": tape_of(explanation.timeline.entries, subject, order.limit_price),
        "costs": [] if shortfall is None else cost_parts(shortfall, explanation.costs),
        "shortfall": shortfall,
        "per_share": None if shortfall is None else subject.cost(shortfall.per_share),
    }


def story_lines(explanation: Explanation) -> list[StoryLine]:
    """Return the timeline with the time of each line and how long after the first it was."""
    entries, gap = explanation.timeline.entries, explanation.timeline.gap
    found = []
    for place, entry in enumerate(entries, start=1):
        at = datetime.fromisoformat(entry.at)
        after = since(datetime.fromisoformat(entries[0].at), at)
        found.append(StoryLine(entry, at, after, check_lines(entry.checks), place == gap))
    return found


def left_out_words(left_out: dict[str, int]) -> str:
    """Say what the timeline does not tell; empty when it tells everything."""
    names = {
        "looks": ("look that filled nothing", "looks that filled nothing"),
        "moves": ("move of the stop", "moves of the stop"),
        "steps": ("step in between", "steps in between"),
    }
    parts = [
        f"{quantity(Decimal(count))} {names[kind][count != 1]}"
        for kind, count in left_out.items()
        if count
    ]
    return " and ".join(parts)


def cost_parts(shortfall: Shortfall, costs: Costs) -> list[CostPart]:
    """Return what the total cost consists of; with shares of it where none of them is a gain."""
    amounts = {
        "Half the spread on arrival": shortfall.half_spread,
        "Walking and waiting": shortfall.waiting,
        "Commission": costs.commission,
        "Fees": costs.fees,
    }
    told = [(label, amount) for label, amount in amounts.items() if amount or label != "Fees"]
    parts = [CostPart(label, amount, number) for number, (label, amount) in enumerate(told, 2)]
    if shortfall.total <= 0 or min(amounts.values()) < 0:
        return parts
    return _with_shares(parts, shortfall.total)


def _with_shares(parts: list[CostPart], total: Decimal) -> list[CostPart]:
    found, start = [], Decimal(0)
    for part in parts:
        share = 100 * part.amount / total
        found.append(CostPart(part.label, part.amount, part.number, f"{start:.2f}", f"{share:.2f}"))
        start += share
    return found
