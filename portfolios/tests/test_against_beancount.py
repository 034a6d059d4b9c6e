"""Lots and realized P&L against an independent engine: beancount books the same trades.

20 x 300 random trades with fees and fractional shares, by FIFO, LIFO and HIFO (beancount books no
average cost). beancount carries 28 digits, our books carry cents: what has been closed of a lot
must cost the same to the last digit both carry, after every sale; and once everything is sold,
realized P&L is equal with nothing rounded at all.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from beancount.parser import booking, parser

from bengi.money import round_money
from bengi.terms import CostBasisMethod
from portfolios.lots import OpenLot, close_lots

D = Decimal
CENT = D("0.01")
LAST_DIGIT = D("1e-15")
FIRST_DAY = date(2020, 1, 1)
GAMES, TRADES = 20, 300


@dataclass(frozen=True)
class Deal:
    """A buy (quantity above zero) or a sale, with what it cost or brought, fees included."""

    quantity: Decimal
    net: Decimal


def deals_of(seed: int) -> list[Deal]:
    """Return TRADES random trades; the last one sells all that is left."""
    random = Random(seed)
    held, price, deals = D(0), D(random.randint(300, 30_000)) / 100, []
    step = random.choice([D(1), D("0.5"), D("0.001"), D("0.000001")])
    for place in range(TRADES):
        price = max(D("0.05"), price * random.randint(90, 111) / 100).quantize(D("0.0001"))
        quantity = step * random.randint(1, 60)
        sells = place == TRADES - 1 or (place and held and random.random() < 0.5)
        if sells:
            quantity = held if place == TRADES - 1 or random.random() < 0.1 else min(quantity, held)
        gross = round_money(quantity * price, "USD")
        fee = random.choice([D(0), CENT, D("0.35"), D("1.00"), round_money(gross / 1000, "USD")])
        if sells and not held:
            sells, quantity = False, step
        held += -quantity if sells else quantity
        deals.append(Deal(-quantity if sells else quantity, gross - fee if sells else gross + fee))
    assert not held or deals[-1].quantity > 0
    return deals


def ours(deals, method):
    """Return the closings of each sale as [(place of the buy, quantity, cost)], and its P&L."""
    held: dict[int, OpenLot] = {}
    sales = []
    for place, deal in enumerate(deals):
        if deal.quantity > 0:
            held[place] = OpenLot(UUID(int=place), deal.quantity, deal.net)
            continue
        sale = close_lots(method, list(held.values()), -deal.quantity, deal.net, "USD")
        sales.append([])
        for closing in sale.closings:
            lot = held.pop(closing.lot_id.int)
            if lot.quantity > closing.quantity:
                held[closing.lot_id.int] = OpenLot(
                    lot.id,
                    lot.quantity - closing.quantity,
                    lot.cost - closing.cost,
                    lot.sold_quantity + closing.quantity,
                    lot.sold_cost + closing.cost,
                )
            part = (closing.lot_id.int, closing.quantity, closing.cost, closing.realized_pnl)
            sales[-1].append(part)
        held = dict(sorted(held.items()))
    return sales


def beancounts(deals, method):
    """Return what beancount closed: [(place of the buy, quantity, exact cost)] for each sale."""
    lines = [f'2019-12-31 open Assets:Shares ABC "{method.value.upper()}"']
    lines += ["2019-12-31 open Assets:Cash", "2019-12-31 open Income:Realized"]
    for place, deal in enumerate(deals):
        day = FIRST_DAY + timedelta(days=place)
        lines.append(f'{day} * "{place}"')
        if deal.quantity > 0:
            lines.append(f'  Assets:Shares  {deal.quantity} ABC {{{{{deal.net} USD, "{place}"}}}}')
            lines.append("  Assets:Cash")
        else:
            lines.append(f"  Assets:Shares  {deal.quantity} ABC {{}}")
            lines.append(f"  Assets:Cash  {deal.net} USD")
            lines.append("  Income:Realized")
    entries, errors, options = parser.parse_string("\n".join(lines) + "\n")
    assert not errors, errors[:3]
    booked, errors = booking.book(entries, options)
    assert not errors, errors[:3]
    sales = []
    for entry in booked:
        parts = [
            (
                int(posting.cost.label),
                -posting.units.number,
                -posting.units.number * posting.cost.number,
            )
            for posting in getattr(entry, "postings", ())
            if posting.cost and posting.units.number < 0
        ]
        if parts:
            sales.append(parts)
    return sales


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo"])
def test_lots_and_realized_pnl_are_beancounts(method):
    """trading-rules, "Lots": which lots each sale closes, at what cost, and what it made."""
    chosen = CostBasisMethod(method)
    closed_parts = 0
    for seed in range(GAMES):
        deals = deals_of(seed)
        mine, theirs = ours(deals, chosen), beancounts(deals, chosen)
        assert len(mine) == len(theirs) > 50
        cost, exact = defaultdict(Decimal), defaultdict(Decimal)
        for sale, other in zip(mine, theirs, strict=True):
            assert [part[:2] for part in sale] == [part[:2] for part in other]
            for (place, _, part, _), (_, _, exact_part) in zip(sale, other, strict=True):
                cost[place] += part
                exact[place] += exact_part
                settled = exact[place].quantize(LAST_DIGIT)
                assert cost[place] == round_money(settled, "USD"), (seed, place)
                closed_parts += 1
        proceeds = sum(deal.net for deal in deals if deal.quantity < 0)
        realized = sum(part[3] for sale in mine for part in sale)
        assert realized == (proceeds - sum(exact.values())).quantize(LAST_DIGIT)
        assert realized == proceeds - sum(deal.net for deal in deals if deal.quantity > 0)
    assert closed_parts > GAMES * 100
