"""Random moves for a market, played on the fast one and on the naive one side by side.

Numbers are few and small so that edges meet: four accounts, seven prices, sizes up to four. Each
account trades by a realism profile of its own, one of them so wild that impact meets its cap.
"""

from decimal import Decimal

import msgspec
from hypothesis import strategies as st

from bengi.terms import TimeInForce
from trades.tests.market_bench import ACCOUNTS, MarketBench
from trades.tests.naive_market import NaiveMarket
from trades.tests.naive_orders import stop_of
from trades.tests.naive_street import PROFILES

NAIVE_PROFILES = {
    **PROFILES,
    "wild": {"guard": 15, "size": "1.00", "touch": "queue", "c": "2", "spread": 1, "way": 0},
}
PRICES = [Decimal(price) / 100 for price in range(997, 1004)]
KINDS = ["limit"] * 5 + ["market"] * 2 + ["stop", "stop_limit", "trailing_stop"]
GAPS = [Decimal(gap) / 1000 for gap in (5, 10, 15, 20, 30)]
"""Of trailing stops: in money, or in percent of about ten; some of them off the tick."""
ACTIONS = [
    "wait",
    *["order"] * 12,
    *["quote"] * 8,
    "cancel",
    "expire",
    "restart",
    "close",
    "shrink",
    "shrink",
    *["bracket"] * 4,
    "pair",
    "leave",
    *["session"] * 4,
]
LEGS = ["both", "both", "both", "limit", "stop"]
MONEY = [Decimal(cents) / 100 for cents in (3, 500, 998, 1001, 1500, 2000, 2006, 3005, 4000, 9999)]
STEP = Decimal("0.1")
WIDTH = 12

games = st.tuples(
    st.sampled_from([True, True, True, False]),
    st.binary(min_size=12 * WIDTH, max_size=50 * WIDTH),
)
"""(has_feed, moves): every twelve bytes are a move, and Game.play() says which."""


class Game(MarketBench):
    """One market with its oracle. subject is trades.matching, or a copy of it with a bug."""

    def __init__(self, subject, has_feed):
        self.subject = subject
        self.has_feed = has_feed
        self.now_s = 0
        self.count = 0
        self.place = 0
        self.tickets = {}
        self.spent = {}
        self.fast = self.new_market()
        self.naive = NaiveMarket(has_feed)
        profiles = subject.realism
        wild = {"name": "wild", "volume_percent": 100, "impact_percent": 200}
        self.profiles = {
            **{name: profiles.profile_of(name) for name in PROFILES},
            "wild": msgspec.structs.replace(profiles.REALISTIC, **wild),
        }

    def new_market(self):
        places = iter(self.next_place, None)
        return self.subject.Market("XYZ", self.has_feed, tick=10**6, step=10**7, places=places)

    def next_place(self):
        """Return the next place in the queue, for a leg of the fast market."""
        self.place += 1
        return self.place

    def give_place(self):
        """Return the next place in the queue of both markets."""
        self.naive.place = self.next_place()
        return self.naive.place

    def play(self, move):
        """Play one move of twelve bytes on both markets and compare everything that can be seen."""
        action = move[0] % len(ACTIONS)
        numbers = [number % 10 for number in move[1:]]
        self.now_s += (0, 0, 0.125, 0.25, 1, 1, 2, -3, 5, 16)[numbers[0]]
        before = {order.id: order.leaves for order in self.fast.open_orders()}
        fast, naive = getattr(self, ACTIONS[action])(*numbers[1:])
        seen = [self.words(outcome) for outcome in fast]
        assert [o for o in seen if o[0] == "fill"] == [o for o in naive if o[0] == "fill"]
        assert sorted(seen, key=by_order) == sorted(naive, key=by_order)
        self.compare()
        self.check_groups()
        self.check_rules(fast, before)

    # --- moves

    def wait(self, *_):
        return [], []

    def order(self, side, kind, tif, account, quantity, price, second, gap, *_):
        ticket = self.ticket(side, kind, tif, account, quantity, price, second, gap)
        if ticket["type"] == "limit" and (gap < 5 or self.naive.is_extended):
            ticket |= {"extended": True, "tif": ("day", "gtc")[tif % 2]}
        elif self.naive.is_extended:
            return [], []
        if ticket["type"] == "market" and ticket["side"] == "buy" and gap > 4:
            ticket |= self.of_money(second, quantity)
        self.tickets[ticket["id"]] = dict(ticket)
        ticket["priority"] = self.give_place()
        now = self.moment(self.now_s)
        return self.fast.submit(self.working(ticket), now), self.naive.submit(ticket, self.now_s)

    def ticket(self, side, kind, tif, account, quantity, price, second, gap, *_):
        self.count += 1
        kind = KINDS[kind]
        buys = side % 2 == 0
        ticket = {
            "id": f"o{self.count}",
            "account": "abcde"[account % 5],
            "side": "buy" if buys else "sell",
            "type": kind,
            "tif": ("day", "gtc", "ioc", "fok", "day", "gtc", "day", "gtd", "opg", "cls")[tif],
            "leaves": Decimal(1 + quantity % 4),
            "limit": {"limit": PRICES[price % 7], "stop_limit": PRICES[second % 7]}.get(kind),
            "stop": PRICES[price % 7] if kind in ("stop", "stop_limit") else None,
            "cap": None,
            "priority": None,
            "triggered": False,
            "trail": GAPS[gap] if gap < 5 else None,
            "trail_percent": None if gap < 5 else 10 * GAPS[gap - 5],
            "mark": PRICES[price % 7] if kind == "trailing_stop" else None,
            "queue": None,
            "extended": False,
            "money": None,
            "step": STEP,
            "most": Decimal(0),
        }
        ticket["profile"] = NAIVE_PROFILES[ACCOUNTS[ticket["account"]]]
        way = ticket["profile"]["way"]
        ticket["there_at"] = self.now_s + way if way else None
        if ticket["limit"] is None and buys and second < 7:
            ticket["cap"] = PRICES[second % 7]
        if "stop" in kind:
            ticket["tif"] = "gtc"
        if kind == "trailing_stop":
            ticket["stop"] = stop_of(ticket)
        self.tickets[ticket["id"]] = dict(ticket)
        return ticket

    def bracket(self, side, kind, tif, account, quantity, price, second, gap, *_):
        """An entry, and what is to become of what it fills."""
        if self.naive.is_extended:
            return [], []
        tif %= 2
        entry = self.ticket(side, kind, tif, account, quantity, price, second, gap)
        legs = self.legs(side + 1, tif, account, gap, (price + second) % 7, second)
        for leg in legs:
            leg |= {"leaves": Decimal(0), "mark": None, "priority": 0}
            leg["stop"] = None if leg["type"] == "trailing_stop" else leg["stop"]
        self.fast.groups.join(entry["id"], [self.working(leg) for leg in legs])
        self.naive.hold(entry, legs)
        entry["priority"] = self.give_place()
        now = self.moment(self.now_s)
        return self.fast.submit(self.working(entry), now), self.naive.submit(entry, self.now_s)

    def pair(self, side, tif, _, account, quantity, price, second, gap, *__):
        """A limit and a stop of which one cancels the other."""
        if self.naive.is_extended:
            return [], []
        limit, stop = self.legs(side, tif % 2, account, 0, price, second, stop_kind=gap % 3)
        limit["leaves"] = stop["leaves"] = Decimal(1 + quantity % 4)
        for leg in (stop, limit):
            leg["priority"] = self.give_place()
        working = [self.working(leg) for leg in (limit, stop)]
        self.fast.groups.join(None, working)
        self.naive.hold(None, [limit, stop])
        now = self.moment(self.now_s)
        fast = [outcome for leg in working[::-1] for outcome in self.fast.submit(leg, now)]
        return fast, [
            outcome for leg in (stop, limit) for outcome in self.naive.submit(leg, self.now_s)
        ]

    def legs(self, side, tif, account, which, price, second, stop_kind=None):
        """Return the tickets of a limit leg, a stop leg, or both, of one account, side and time."""
        stop_kind = second % 3 if stop_kind is None else stop_kind
        found = []
        if LEGS[which % 5] != "stop":
            found.append(self.ticket(side, 0, tif, account, 0, price, 0, 0))
        if LEGS[which % 5] != "limit":
            kind = KINDS.index("stop") + stop_kind
            found.append(self.ticket(side, kind, tif, account, 0, price + 3, second, which))
        for leg in found:
            leg["tif"] = ("day", "gtc")[tif]
        return found

    def leave(self, which, *_):
        """Cancel an order of a group, whatever has become of it."""
        members = [
            order["id"]
            for group in self.naive.groups
            for order in (*group["legs"], group["entry"])
            if order is not None
        ]
        if not members:
            return [], []
        order_id = members[-1 - which % len(members)]
        return self.fast.cancel(order_id), self.naive.cancel(order_id)

    def of_money(self, which, cap):
        """Return what makes a market buy one of an amount, that comes to at least a step."""
        cap = PRICES[cap % 7]
        shares = (MONEY[which] / cap // STEP) * STEP
        most = STEP * (1 + which % 3) if cap < PRICES[2] else 2 * shares
        leaves = min(max(shares, STEP), max(most, STEP))
        return {"tif": "day", "cap": cap, "money": MONEY[which], "leaves": leaves, "most": most}

    def session(self, which, *_):
        """Leave the session or enter it, again too: then nothing happens."""
        name = ("leave_session", "enter_session")[which % 2]
        fast, naive = getattr(self.fast, name)(), getattr(self.naive, name)()
        return fast or [], naive

    def quote(self, bid, ask, bid_size, ask_size, last, age, is_new, *more):
        """Mostly prices with sizes; now and then the feed tells no sizes, or no prices either."""
        volume, kind, half = more
        low, high = sorted((bid % 7, ask % 7))
        as_of = self.now_s - (0, 0, 0, 0, 0, 1, 5, 15, 16, 61)[age]
        has_sizes, has_prices = kind < 7, kind < 9
        bid, ask = bid if has_prices else 9, ask if has_prices else 9
        quote = {
            "bid": PRICES[low] if bid < 9 else None,
            "ask": PRICES[high] if ask < 9 else None,
            "bid_size": Decimal(bid_size % 6 if has_sizes and bid < 9 else 0),
            "ask_size": Decimal(ask_size % 6 if has_sizes and ask < 9 else 0),
            "last": PRICES[last] if last < 7 else None,
            "as_of": as_of,
            "is_new": is_new < 8,
            "volume": Decimal(volume) if last < 7 else Decimal(0),
            "middle": None if has_prices else PRICES[last % 7],
            "half": Decimal(0) if has_prices else Decimal(half % 3) / 100,
        }
        street = self.subject.StreetQuote(
            bid=self.fixed(quote["bid"]),
            ask=self.fixed(quote["ask"]),
            bid_size=self.fixed(quote["bid_size"]),
            ask_size=self.fixed(quote["ask_size"]),
            last=self.fixed(quote["last"]),
            as_of=self.moment(as_of),
            is_new=quote["is_new"],
            volume=self.fixed(quote["volume"]),
            middle=self.fixed(quote["middle"]),
            half_spread=self.fixed(quote["half"]),
        )
        now = self.moment(self.now_s)
        return self.fast.on_quote(street, now), self.naive.on_quote(quote, self.now_s)

    def cancel(self, which, *_):
        order_id = f"o{max(1, self.count - which)}"
        return self.fast.cancel(order_id), self.naive.cancel(order_id)

    def expire(self, which, by_rule, *_):
        if by_rule % 2:
            queue = sorted(self.naive.orders, key=lambda order: order["priority"])
            ids = [o["id"] for o in queue if o["tif"] == "day"]
            rule = is_day
            return self.fast.expire(rule), self.naive.expire(ids)
        ids = [f"o{max(1, self.count - which)}", "o1", "nobody"]
        return self.fast.expire(ids), self.naive.expire(ids)

    def shrink(self, which, less, *_):
        """Swap a resting order, if there is one, for a smaller one in its place."""
        resting = [o for o in self.naive.orders if o["where"] == "resting"]
        if not resting:
            return self.fast.swap("nobody", None), []
        old = resting[which % len(resting)]
        self.count += 1
        is_leg = any(old in group["legs"] for group in self.naive.groups)
        less = 0 if is_leg else less % 3
        left = max(min(STEP, old["leaves"]), old["leaves"] - less)
        new = {**old, "id": f"o{self.count}", "leaves": left}
        self.tickets[new["id"]] = dict(new)
        working = self.working({**new, "priority": self.give_place()})
        working.triggered = new["triggered"]
        self.fast.groups.pass_on(old["id"], working)
        self.naive.pass_on(old, new)
        return self.fast.swap(old["id"], working), self.naive.swap(old["id"], new)

    def close(self, which, *_):
        """Work the orders for the close, or one that may be anything."""
        ids = [o["id"] for o in self.naive.orders if o["where"] == "closing"]
        fast, naive = [], []
        for order_id in [*ids, f"o{max(1, self.count - which)}"]:
            fast += self.fast.close(order_id, self.moment(self.now_s))
            naive += self.naive.close(order_id, self.now_s)
        return fast, naive

    def restart(self, *_):
        """Build both markets anew from open orders; the quote is lost."""
        old, self.fast = self.fast, self.new_market()
        is_extended = self.naive.is_extended
        if is_extended and self.count % 2:
            self.fast.leave_session()
        for order in old.open_orders():
            order.queue_ahead = None
            self.fast.restore(order)
        before, self.naive = self.naive, NaiveMarket(self.has_feed)
        for order in sorted(before.orders, key=lambda order: order["priority"]):
            order["queue"] = None
            self.naive.restore(order)
        self.naive.groups, self.naive.place = before.groups, before.place
        for group in before.groups:
            self.rejoin(group, old)
        if is_extended:
            self.fast.leave_session()
            self.naive.leave_session()
        return [], []

    def rejoin(self, group, old):
        """Let the fast market know a group anew, from what is open of it."""
        is_open = [leg for leg in group["legs"] if leg["id"] not in group["gone"]]
        legs = [
            self.fast.find(leg["id"]) or self.working(leg | {"leaves": Decimal(0)})
            for leg in is_open
        ]
        entry = group["entry"]
        is_there = entry is not None and entry["id"] not in group["gone"]
        if legs:
            self.fast.groups.join(entry["id"] if is_there else None, legs)


def play_game(subject, game):
    """Play a whole game; AssertionError as soon as the two markets differ."""
    has_feed, moves = game
    table = Game(subject, has_feed)
    for start in range(0, len(moves) - WIDTH + 1, WIDTH):
        table.play(moves[start : start + WIDTH])


def by_order(outcome):
    """Fills are compared in their order, everything else order by order, each one's in its own."""
    return outcome[1]


def is_day(order):
    return order.time_in_force is TimeInForce.DAY
