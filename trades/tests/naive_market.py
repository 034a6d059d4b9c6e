"""A market written down from the rules, as slow and plain as can be: the oracle of the fast one.

Shares nothing with trades.matching: Decimals, dicts, lists that are scanned, words instead of
enums. Outcomes are tuples:

    ("fill", id, quantity, price, "book" | "street", counter id or None, leaves)
    ("rested", id)  ("triggered", id, last)  ("canceled", id, code)  ("expired", id)
    ("trailed", id, mark, stop)  ("released", id, leaves)  ("resized", id, leaves)

A group is a dict of what there was from the beginning: its entry and legs, what they have bought
and sold, and which of them are gone. What must be so is read off these numbers after every answer.
"""

import copy
import functools
from decimal import Decimal

from trades.tests.naive_orders import least_mark, sleeps, stop_of, wanted_at
from trades.tests.naive_street import PLENTY, NaiveStreet, reaches, up

AT_ONCE = ("ioc", "fok", "opg", "cls")
STREET = {"id": None, "account": None}
FIRST = dict.fromkeys(("fill", "triggered"), "exit_began")
FIRST |= dict.fromkeys(("canceled", "expired"), "legs_ended")
"""What the first that happens to a leg means for the rest of its entry."""


def and_what_follows(command):
    """Add to what comes of a command what follows from it for groups."""

    @functools.wraps(command)
    def whole(market, *arguments):
        return market.conclude(command(market, *arguments))

    return whole


class NaiveMarket(NaiveStreet):
    def __init__(self, has_feed):
        super().__init__()
        self.has_feed = has_feed
        self.orders = []
        self.groups = []
        self.place = 0
        self.is_extended = False

    # --- commands

    @and_what_follows
    def submit(self, order, now):
        if sleeps(order):
            return self.put(order, "asleep")
        if order["tif"] in ("opg", "cls"):
            return self.put(order, "fired" if order["tif"] == "opg" else "closing")
        self.look_at_the_clock(now)
        return self.enter(order)

    def enter(self, order):
        """Work an order, or let it wait: what may rest waits only while it is on its way."""
        may_rest = order["type"] == "limit" and order["tif"] not in AT_ONCE
        is_away = order["there_at"] is not None
        if self.has_feed and not self.sees(order) and (is_away or not may_rest):
            return self.put(order, "waiting")
        return self.work(order)

    def restore(self, order):
        if sleeps(order):
            self.put(order, "asleep")
        elif order["tif"] == "cls":
            self.put(order, "closing")
        elif order["there_at"] is not None and self.has_feed:
            self.put(order, "waiting")
        elif order["type"] == "limit" and order["tif"] not in AT_ONCE:
            self.put(order, "resting")
        else:
            self.put(order, "waiting")

    @and_what_follows
    def cancel(self, order_id):
        return [("canceled", order_id, "user")] if self.drop(order_id) else []

    def hold(self, entry, legs):
        """Let legs wait for an entry that comes next, or without one let them hang together."""
        group = {"entry": entry, "legs": legs, "bought": Decimal(0), "sold": Decimal(0)}
        group |= {"gone": set(), "price": None, "fired": False, "quit": None, "lost": None}
        group["first"] = None
        if entry is None:
            group["bought"] = legs[0]["leaves"]
        for leg in legs:
            leg["where"] = None if entry is None else "held"
        self.groups.append(group)

    @and_what_follows
    def swap(self, order_id, order):
        self.drop(order_id)
        return self.put(order, "resting")

    @and_what_follows
    def close(self, order_id, now):
        found = [o for o in self.orders if o["id"] == order_id and o["where"] == "closing"]
        if not found:
            return []
        self.drop(order_id)
        self.look_at_the_clock(now)
        if self.is_extended or not self.sees(found[0]):
            return [("canceled", order_id, "cls_remainder")]
        return self.work(found[0])

    def leave_session(self):
        """Outside of the session only extended orders are there, and nobody has quoted yet."""
        if not self.is_extended:
            self.is_extended = True
            self.age = None if self.quote is None else PLENTY
        return []

    @and_what_follows
    def enter_session(self):
        if self.is_extended:
            self.is_extended = False
            self.age = None if self.quote is None else PLENTY
        out = []
        while True:
            resting = [o for o in self.orders if o["where"] == "resting"]
            crossing = [
                (-buy["limit"], sell["limit"], buy["priority"], sell["priority"], buy, sell)
                for buy in resting
                for sell in resting
                if buy["side"] == "buy" and sell["side"] == "sell" and buy["limit"] >= sell["limit"]
            ]
            if not crossing:
                return out
            best = min(crossing, key=lambda pair: pair[:4])
            first, later = sorted(best[4:], key=lambda o: o["priority"])
            if first["account"] == later["account"]:
                self.drop(later["id"])
                out.append(("canceled", later["id"], "self_trade"))
                continue
            quantity, price = min(first["leaves"], later["leaves"]), first["limit"]
            out.append(self.fill(later, quantity, price, "book", first["id"]))
            out.append(self.fill(first, quantity, price, "book", later["id"]))

    @and_what_follows
    def expire(self, order_ids):
        return [("expired", order_id) for order_id in order_ids if self.drop(order_id)]

    @and_what_follows
    def on_quote(self, quote, now):
        if not self.has_feed:
            return []
        if not self.hear(quote):
            return []
        self.look_at_the_clock(now)
        out = []
        if quote["is_new"]:
            for order in self.present():
                if order["where"] == "fired" and self.sees(order):
                    order["where"] = "waiting"
        out += self.work_waiting(lambda order: order["limit"] is None)
        out += self.fill_resting()
        out += self.work_waiting(lambda order: order["limit"] is not None)
        if quote["last"] is not None and not self.is_extended:
            out += self.follow(quote["last"])
            out += self.trigger(quote["last"])
        return out

    def pass_on(self, old, new):
        """Let an order take another's place in its group."""
        for group in self.groups:
            group["legs"] = [new if leg["id"] == old["id"] else leg for leg in group["legs"]]
            if group["entry"] is not None and group["entry"]["id"] == old["id"]:
                group["entry"] = new

    # --- what follows from an answer for groups

    def conclude(self, out):
        """Return an answer with all that follows from it."""
        told = 0
        while told < len(out):
            news, told = out[told:], len(out)
            fed = []
            for outcome in news:
                for group in self.groups:
                    if self.note(group, outcome) and group not in fed:
                        fed.append(group)
            for group in self.groups:
                out += self.put_right(group)
            for group in fed:
                out += self.release(group)
        return out

    def note(self, group, outcome):
        """Count an outcome in a group; say whether its entry has filled."""
        kind, order_id, *rest = outcome
        is_entry = group["entry"] is not None and group["entry"]["id"] == order_id
        is_leg = order_id in [leg["id"] for leg in group["legs"]]
        if not is_entry and not is_leg:
            return False
        if is_leg and group["first"] is None:
            group["first"] = FIRST.get(kind)
        if kind in ("canceled", "expired") and order_id not in group["gone"]:
            group["gone"].add(order_id)
            group["quit" if is_leg else "lost"] = kind
        if kind == "triggered" and is_leg:
            group["fired"] = True
        if kind != "fill":
            return False
        group["sold" if is_leg else "bought"] += rest[0]
        if rest[-1] == 0:
            group["gone"].add(order_id)
        if is_entry:
            group["price"] = rest[1]
        return is_entry

    def put_right(self, group):
        """Return what must happen so that the group is as the rules want it."""
        entry, out = group["entry"], []
        wanted = group["bought"] - group["sold"]
        legs = [leg for leg in group["legs"] if leg["id"] not in group["gone"]]
        limits = [leg for leg in legs if leg["type"] == "limit"]
        if group["first"] == "exit_began":
            out += self.end(group, [entry], "canceled", "exit_began")
        if group["sold"] and not wanted:
            out += self.end(group, legs, "canceled", "other_leg_filled")
        if group["fired"]:
            out += self.end(group, limits, "canceled", "other_leg_fired")
        if group["quit"]:
            out += self.end(group, legs, group["quit"], "other_leg_ended")
            out += self.end(group, [entry], group["quit"], "legs_ended")
        if group["lost"] and not group["bought"]:
            out += self.end(group, legs, group["lost"], "entry_ended")
        for leg in legs:
            is_at_work = leg["id"] not in group["gone"] and leg["where"] != "held"
            if is_at_work and leg["leaves"] != wanted:
                leg["leaves"] = wanted
                out.append(("resized", leg["id"], wanted))
        return out

    def end(self, group, orders, kind, code):
        out = []
        for order in orders:
            if order is not None and order["id"] not in group["gone"]:
                group["gone"].add(order["id"])
                self.drop(order["id"])
                out.append((kind, order["id"], code) if kind == "canceled" else (kind, order["id"]))
        return out

    def release(self, group):
        """Put legs to work that have something to sell."""
        legs = [leg for leg in group["legs"] if leg["where"] == "held"]
        if not group["bought"] or not legs:
            return []
        out = []
        for leg in legs:
            self.place += 1
            leg |= {"leaves": group["bought"], "priority": self.place, "where": None}
            if leg["type"] == "trailing_stop":
                leg["mark"] = max(group["price"], least_mark(leg))
                leg["stop"] = stop_of(leg)
            out.append(("released", leg["id"], leg["leaves"]))
        for leg in sorted(legs, key=lambda leg: leg["stop"] is None):
            out += self.put(leg, "asleep") if sleeps(leg) else self.enter(leg)
        return out

    # --- the parts of a quote's work

    def work_waiting(self, wanted):
        out = []
        there = self.present()
        queue = [o for o in there if o["where"] == "waiting" and wanted(o) and self.sees(o)]
        for order in sorted(queue, key=lambda o: o["priority"]):
            self.drop(order["id"])
            out += [outcome for outcome in self.work(order) if outcome[0] != "rested"]
        return out

    def fill_resting(self):
        out = []
        for side in ("buy", "sell"):
            resting = [o for o in self.present() if o["where"] == "resting" and o["side"] == side]
            resting.sort(key=lambda o: (-up(side, o["limit"]), o["priority"]))
            for order in resting:
                price, most = self.price_met(order) if self.sees(order) else (None, 0)
                if price is None:
                    continue
                quantity = min(order["leaves"], self.left(order), most)
                if quantity > 0:
                    self.count_taken(order, quantity)
                    if most != PLENTY:
                        self.printed_left -= quantity
                    out.append(self.fill(order, quantity, price, "street", None))
        return out

    def follow(self, last):
        out = []
        for order in sorted(self.orders, key=lambda o: o["priority"]):
            if order["where"] != "asleep" or order["mark"] is None or not self.sees(order):
                continue
            if order["mark"] < last if order["side"] == "sell" else order["mark"] > last:
                order["mark"] = last
                order["stop"] = stop_of(order)
                out.append(("trailed", order["id"], order["mark"], order["stop"]))
        return out

    def trigger(self, last):
        asleep = [o for o in self.orders if o["where"] == "asleep" and self.sees(o)]
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
            order["leaves"] = wanted_at(order, price)
            if other is not STREET and other["account"] == order["account"]:
                return out, True
            if other is STREET:
                quantity = min(self.payable(order, price), self.left(order))
                if not quantity:
                    return out, False
                self.count_taken(order, quantity)
                price = self.after_impact(order, price)
                out.append(self.fill(order, quantity, price, "street", None))
            else:
                quantity = min(wanted_at(order, price), wanted_at(other, price))
                out.append(self.fill(order, quantity, price, "book", other["id"]))
                out.append(self.fill(other, quantity, price, "book", order["id"]))
        return out, False

    def next_for(self, order):
        """Return (price, resting order, waiting order or STREET) an order trades with next."""
        side = order["side"]
        worst = order["cap"] if order["limit"] is None else order["limit"]
        offers = [
            (o["limit"], 0, o["priority"], o)
            for o in self.present()
            if o["where"] == "resting" and o["side"] != side
        ]
        if self.street_price(order) is not None:
            offers.append((self.street_price(order), 1, 0, STREET))
        offers = [offer for offer in offers if worst is None or reaches(side, worst, offer[0])]
        offers = [offer for offer in offers if wanted_at(order, offer[0])]
        offers.sort(key=lambda offer: (up(side, offer[0]), offer[1], offer[2]))
        if order["limit"] is not None:
            price = offers[0][0] if offers else order["limit"]
            for other in sorted(self.present(), key=lambda o: o["priority"]):
                if other["where"] == "waiting" and other["limit"] is None:
                    is_willing = other["cap"] is None or reaches(other["side"], other["cap"], price)
                    is_willing = is_willing and self.sees(other) and wanted_at(other, price)
                    if other["side"] != side and is_willing:
                        return price, other
        return (offers[0][0], offers[0][3]) if offers else None

    # --- small things

    def payable(self, order, price):
        """Return how much an order may take of the street at price, so that it can pay for it."""
        wanted = wanted_at(order, price)
        if order["money"] is None:
            return wanted
        most = min(wanted, self.left(order))
        self.count_taken(order, most)
        price = self.after_impact(order, price)
        self.count_taken(order, -most)
        return wanted_at(order, price)

    def present(self):
        """Return who works in this phase of the day."""
        return [o for o in self.orders if o["extended"] or not self.is_extended]

    def put(self, order, where):
        order["where"] = where
        if where == "resting":
            self.join_queue(order)
        self.orders.append(order)
        return [("rested", order["id"])]

    def drop(self, order_id):
        found = [order for order in self.orders if order["id"] == order_id]
        self.orders = [order for order in self.orders if order["id"] != order_id]
        for group in self.groups:
            for leg in group["legs"]:
                if leg["id"] == order_id and leg["where"] == "held":
                    leg["where"] = None
                    return True
        return bool(found)

    def fill(self, order, quantity, price, liquidity, counter):
        order["leaves"] -= quantity
        if order["money"] is not None:
            order["money"] -= quantity * price
            order["most"] -= quantity
            order["leaves"] = wanted_at(order, price)
        if order["leaves"] == 0:
            self.drop(order["id"])
        return ("fill", order["id"], quantity, price, liquidity, counter, order["leaves"])

    def levels(self, side):
        """Return all (price, quantity) of resting orders, best first."""
        sums = {}
        for order in self.present():
            if order["where"] == "resting" and order["side"] == side:
                sums[order["limit"]] = sums.get(order["limit"], 0) + order["leaves"]
        return sorted(sums.items(), reverse=side == "buy")
