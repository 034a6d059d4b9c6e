"""What a game plays on: the fast market and the naive one, and how they are compared."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bengi.terms import OrderType, Side, TimeInForce

ACCOUNTS = {"a": "realistic", "b": "instant", "c": "harsh", "d": "wild", "e": "realistic"}
"""By which profile each account trades."""

START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


class MarketBench:
    """subject is what holds the fast market's words; fast and naive are the two markets.

    tickets are all orders that were placed, by id, as the naive market knows them; spent is what
    buys of an amount have spent.
    """

    # --- comparisons

    def compare(self):
        queue = sorted(self.naive.orders, key=lambda order: order["priority"])
        fast = [
            (o.id, self.decimal(o.leaves), o.triggered, self.decimal(o.stop), self.decimal(o.mark))
            for o in self.fast.open_orders()
        ]
        assert fast == [(o["id"], o["leaves"], o["triggered"], o["stop"], o["mark"]) for o in queue]
        for side in Side:
            depth = self.fast.levels(side, 20)
            seen = [(self.decimal(price), self.decimal(quantity)) for price, quantity in depth]
            assert seen == self.naive.levels(side.value)
            assert self.fast.best(side) == (depth[0][0] if depth else None)
            assert self.fast.levels(side, 1) == depth[:1]

    def check_groups(self):
        """Whatever happens, legs never want more than there is to sell, nor do both sell it."""
        for group in self.naive.groups:
            assert group["sold"] <= group["bought"]
            for leg in group["legs"]:
                at_work = self.fast.find(leg["id"])
                if at_work is not None:
                    assert self.decimal(at_work.leaves) == group["bought"] - group["sold"]
                else:
                    assert leg["id"] in group["gone"] or self.fast.groups.is_held(leg["id"])

    def check_rules(self, outcomes, before):
        """Check what must hold whatever the oracle says."""
        bid, ask = self.fast.best(Side.BUY), self.fast.best(Side.SELL)
        assert bid is None or ask is None or bid < ask, "the book is crossed"
        for order in self.naive.present():
            if order["where"] == "resting":
                self.check_awake(order)
        traded = {}
        for fill in outcomes:
            if not isinstance(fill, self.subject.Fill):
                continue
            ticket = self.tickets[fill.order_id]
            assert fill.quantity > 0
            self.check_price(ticket, self.decimal(fill.price))
            self.check_money(ticket, fill)
            assert ticket["extended"] or not self.naive.is_extended
            leaves = before.get(fill.order_id, self.fixed(ticket["leaves"]))
            traded[fill.order_id] = traded.get(fill.order_id, 0) + fill.quantity
            is_counted = not ticket["money"] and fill.order_id not in self.legs_of_groups()
            assert not is_counted or traded[fill.order_id] + fill.leaves == leaves
            if fill.counter_order_id is None:
                assert fill.match_id is None
            else:
                other = self.tickets[fill.counter_order_id]
                assert other["account"] != ticket["account"]
                assert other["side"] != ticket["side"]
        self.check_pairs(outcomes)

    def legs_of_groups(self):
        return {leg["id"] for group in self.naive.groups for leg in group["legs"]}

    def check_awake(self, order):
        """No resting order that the street goes beyond is left; one that fills on touch, met."""
        offer, limit = self.naive.street_price(order), order["limit"]
        if offer is None or (offer == limit and order["profile"]["touch"] != "fills"):
            return
        assert offer > limit if order["side"] == "buy" else offer < limit, "an order sleeps"

    def check_price(self, ticket, price):
        bound = ticket["cap"] if ticket["limit"] is None else ticket["limit"]
        if bound is not None:
            assert price <= bound if ticket["side"] == "buy" else price >= bound

    def check_money(self, ticket, fill):
        """A buy of an amount spends it at most once, in whole steps."""
        if ticket["money"] is not None:
            self.spent[ticket["id"]] = self.spent.get(ticket["id"], 0) + fill.quantity * fill.price
            assert self.spent[ticket["id"]] <= ticket["money"] * 10**16
            assert self.decimal(fill.quantity) % ticket["step"] == 0

    def check_pairs(self, outcomes):
        """Both fills of a match stand side by side and agree."""
        matches = [o for o in outcomes if isinstance(o, self.subject.Fill) and o.match_id]
        for taker, maker in zip(matches[::2], matches[1::2], strict=True):
            assert taker.match_id == maker.match_id
            assert (taker.quantity, taker.price) == (maker.quantity, maker.price)
            assert (taker.order_id, maker.order_id) == (
                maker.counter_order_id,
                taker.counter_order_id,
            )
        assert len({match.match_id for match in matches}) * 2 == len(matches)

    # --- words and numbers

    def words(self, outcome):
        """Return an outcome of the fast market in the naive one's words."""
        name = type(outcome).__name__.lower()
        if name == "fill":
            return (
                name,
                outcome.order_id,
                self.decimal(outcome.quantity),
                self.decimal(outcome.price),
                outcome.liquidity.value,
                outcome.counter_order_id,
                self.decimal(outcome.leaves),
            )
        if name == "triggered":
            return (name, outcome.order_id, self.decimal(outcome.last))
        if name == "trailed":
            mark, stop = self.decimal(outcome.mark), self.decimal(outcome.stop)
            return (name, outcome.order_id, mark, stop)
        if name in ("released", "resized"):
            return (name, outcome.order_id, self.decimal(outcome.leaves))
        if name == "canceled":
            assert outcome.detail
            return (name, outcome.order_id, outcome.code)
        return (name, outcome.order_id)

    def working(self, ticket):
        return self.subject.WorkingOrder(
            id=ticket["id"],
            account_id=ticket["account"],
            side=Side(ticket["side"]),
            type=OrderType(ticket["type"]),
            time_in_force=TimeInForce(ticket["tif"]),
            leaves=self.fixed(ticket["leaves"]),
            limit=self.fixed(ticket["limit"]),
            stop=self.fixed(ticket["stop"]),
            cap=self.fixed(ticket["cap"]),
            priority=ticket["priority"],
            trail=self.fixed(ticket["trail"]),
            trail_percent=self.fixed(ticket["trail_percent"]),
            mark=self.fixed(ticket["mark"]),
            tick=10**6,
            profile=self.profiles[ACCOUNTS[ticket["account"]]],
            starts_at=None if ticket["there_at"] is None else self.moment(ticket["there_at"]),
            extended_hours=ticket["extended"],
            budget=None if ticket["money"] is None else int(ticket["money"] * 10**16),
            shares_max=self.fixed(ticket["most"]),
            step=self.fixed(ticket["step"]),
        )

    def fixed(self, value):
        return None if value is None else int(value * 10**8)

    def decimal(self, units):
        return None if units is None else Decimal(units) / 10**8

    def moment(self, seconds):
        return START + timedelta(seconds=seconds)
