"""A market written down from the rules, as slow and plain as can be: the oracle of the fast one.

Shares nothing with trades.matching: Decimals, dicts, lists that are scanned, words instead of
enums. Outcomes are tuples:

    ("fill", id, quantity, price, "book" | "street", counter id or None, leaves)
    ("rested", id)  ("triggered", id, last)  ("canceled", id, code)  ("expired", id)
    ("trailed", id, mark, stop)
"""

import copy
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

AT_ONCE = ("ioc", "fok", "opg", "cls")
STREET = {"id": None, "account": None}


class NaiveMarket:
    def __init__(self, max_age_s, has_feed):
        self.max_age_s = max_age_s
        self.has_feed = has_feed
        self.orders = []
        self.quote = None
        self.left = {"buy": Decimal(0), "sell": Decimal(0)}
        self.is_live = False

    # --- commands

    def submit(self, order, now):
        if sleeps(order):
            return self.put(order, "asleep")
        if order["tif"] in ("opg", "cls"):
            return self.put(order, "fired" if order["tif"] == "opg" else "closing")
        self.look_at_the_clock(now)
        may_rest = order["type"] == "limit" and order["tif"] not in AT_ONCE
        if self.has_feed and not self.is_live and not may_rest:
            return self.put(order, "waiting")
        return self.work(order)

    def restore(self, order):
        if sleeps(order):
            self.put(order, "asleep")
        elif order["tif"] == "cls":
            self.put(order, "closing")
        elif order["type"] == "limit" and order["tif"] not in AT_ONCE:
            self.put(order, "resting")
        else:
            self.put(order, "waiting")

    def cancel(self, order_id):
        return [("canceled", order_id, "user")] if self.drop(order_id) else []

    def swap(self, order_id, order):
        self.drop(order_id)
        return self.put(order, "resting")

    def close(self, order_id, now):
        found = [o for o in self.orders if o["id"] == order_id and o["where"] == "closing"]
        if not found:
            return []
        self.drop(order_id)
        self.look_at_the_clock(now)
        return self.work(found[0]) if self.is_live else [("canceled", order_id, "cls_remainder")]

    def expire(self, order_ids):
        return [("expired", order_id) for order_id in order_ids if self.drop(order_id)]

    def on_quote(self, quote, now):
        """quote: dict of bid, ask, bid_size, ask_size, last, as_of, is_new."""
        if not self.has_feed:
            return []
        if self.quote is not None and quote["as_of"] < self.quote["as_of"]:
            return []
        if self.quote == quote:
            return []
        if self.quote is None or quote["is_new"]:
            self.left["buy"] = quote["ask_size"] if quote["ask"] is not None else Decimal(0)
            self.left["sell"] = quote["bid_size"] if quote["bid"] is not None else Decimal(0)
        self.quote = quote
        self.is_live = True
        self.look_at_the_clock(now)
        if not self.is_live:
            return []
        out = []
        if quote["is_new"]:
            for order in self.orders:
                if order["where"] == "fired":
                    order["where"] = "waiting"
        out += self.work_waiting(lambda order: order["limit"] is None)
        out += self.fill_resting()
        out += self.work_waiting(lambda order: order["limit"] is not None)
        if quote["last"] is not None:
            out += self.follow(quote["last"])
            out += self.trigger(quote["last"])
        return out

    # --- the parts of a quote's work

    def work_waiting(self, wanted):
        out = []
        queue = [o for o in self.orders if o["where"] == "waiting" and wanted(o)]
        for order in sorted(queue, key=lambda o: o["priority"]):
            self.drop(order["id"])
            out += [outcome for outcome in self.work(order) if outcome[0] != "rested"]
        return out

    def fill_resting(self):
        out = []
        for side in ("buy", "sell"):
            while True:
                price = self.street_price(side)
                resting = [o for o in self.orders if o["where"] == "resting" and o["side"] == side]
                met = [o for o in resting if price is not None and reaches(side, o["limit"], price)]
                if not met:
                    break
                best = min(met, key=lambda o: (-up(side, o["limit"]), o["priority"]))
                quantity = min(best["leaves"], self.left[side])
                self.left[side] -= quantity
                out.append(self.fill(best, quantity, price, "street", None))
        return out

    def follow(self, last):
        out = []
        for order in sorted(self.orders, key=lambda o: o["priority"]):
            if order["where"] != "asleep" or order["mark"] is None:
                continue
            if order["mark"] < last if order["side"] == "sell" else order["mark"] > last:
                order["mark"] = last
                order["stop"] = stop_of(order)
                out.append(("trailed", order["id"], order["mark"], order["stop"]))
        return out

    def trigger(self, last):
        asleep = [o for o in self.orders if o["where"] == "asleep"]
        buys = [o for o in asleep if o["side"] == "buy" and last >= o["stop"]]
        sells = [o for o in asleep if o["side"] == "sell" and last <= o["stop"]]
        buys.sort(key=lambda o: (o["stop"], o["priority"]))
        sells.sort(key=lambda o: (-o["stop"], o["priority"]))
        for order in buys + sells:
            order["where"] = "fired"
            order["triggered"] = True
        return [("triggered", order["id"], last) for order in buys + sells]

    # --- one order

    def work(self, order):
        if order["tif"] == "fok":
            rehearsal = copy.deepcopy(self)
            stand_in = dict(order)
            _, met_itself = rehearsal.trade(stand_in)
            if stand_in["leaves"] > 0:
                return [("canceled", order["id"], "self_trade" if met_itself else "fok_unfillable")]
        out, met_itself = self.trade(order)
        if order["leaves"] == 0:
            return out
        if met_itself:
            return [*out, ("canceled", order["id"], "self_trade")]
        if order["tif"] in AT_ONCE:
            tif = "ioc" if order["tif"] == "fok" else order["tif"]
            return [*out, ("canceled", order["id"], f"{tif}_remainder")]
        if order["limit"] is None and not self.has_feed:
            return [*out, ("canceled", order["id"], "market_remainder")]
        return out + self.put(order, "waiting" if order["limit"] is None else "resting")

    def trade(self, order):
        out = []
        while order["leaves"] > 0:
            found = self.next_for(order)
            if found is None:
                return out, False
            price, other = found
            if other is not STREET and other["account"] == order["account"]:
                return out, True
            if other is STREET:
                quantity = min(order["leaves"], self.left[order["side"]])
                self.left[order["side"]] -= quantity
                out.append(self.fill(order, quantity, price, "street", None))
            else:
                quantity = min(order["leaves"], other["leaves"])
                out.append(self.fill(order, quantity, price, "book", other["id"]))
                out.append(self.fill(other, quantity, price, "book", order["id"]))
        return out, False

    def next_for(self, order):
        """Return (price, resting order, waiting order or STREET) an order trades with next."""
        side = order["side"]
        worst = order["cap"] if order["limit"] is None else order["limit"]
        offers = [
            (o["limit"], 0, o["priority"], o)
            for o in self.orders
            if o["where"] == "resting" and o["side"] != side
        ]
        if self.street_price(side) is not None:
            offers.append((self.street_price(side), 1, 0, STREET))
        offers = [offer for offer in offers if worst is None or reaches(side, worst, offer[0])]
        offers.sort(key=lambda offer: (up(side, offer[0]), offer[1], offer[2]))
        if order["limit"] is not None and self.is_live:
            price = offers[0][0] if offers else order["limit"]
            for other in sorted(self.orders, key=lambda o: o["priority"]):
                if other["where"] == "waiting" and other["limit"] is None:
                    is_willing = other["cap"] is None or reaches(other["side"], other["cap"], price)
                    if other["side"] != side and is_willing:
                        return price, other
        return (offers[0][0], offers[0][3]) if offers else None

    # --- small things

    def look_at_the_clock(self, now):
        if self.quote is None or now - self.quote["as_of"] > self.max_age_s:
            self.is_live = False

    def street_price(self, side):
        if not self.is_live or self.left[side] == 0:
            return None
        return self.quote["ask"] if side == "buy" else self.quote["bid"]

    def put(self, order, where):
        order["where"] = where
        self.orders.append(order)
        return [("rested", order["id"])]

    def drop(self, order_id):
        found = [order for order in self.orders if order["id"] == order_id]
        self.orders = [order for order in self.orders if order["id"] != order_id]
        return bool(found)

    def fill(self, order, quantity, price, liquidity, counter):
        order["leaves"] -= quantity
        if order["leaves"] == 0:
            self.drop(order["id"])
        return ("fill", order["id"], quantity, price, liquidity, counter, order["leaves"])

    def levels(self, side):
        """Return all (price, quantity) of resting orders, best first."""
        sums = {}
        for order in self.orders:
            if order["where"] == "resting" and order["side"] == side:
                sums[order["limit"]] = sums.get(order["limit"], 0) + order["leaves"]
        return sorted(sums.items(), reverse=side == "buy")


def sleeps(order):
    return order["stop"] is not None and not order["triggered"]


def stop_of(order):
    """Return a trailing order's stop: its gap away from the mark, on the cent, never nearer."""
    mark = order["mark"]
    gap = order["trail"] if order["trail"] is not None else mark * order["trail_percent"] / 100
    if order["side"] == "sell":
        return (mark - gap).quantize(Decimal("0.01"), ROUND_FLOOR)
    return (mark + gap).quantize(Decimal("0.01"), ROUND_CEILING)


def reaches(side, bound, price):
    """Say whether price is as good as bound for an order of side."""
    return price <= bound if side == "buy" else price >= bound


def up(side, price):
    """Return price so that a smaller number is a better one for an order of side."""
    return price if side == "buy" else -price
