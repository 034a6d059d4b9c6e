"""Reads scenes written as on a blackboard, plays them on a market, and tells what happened alike.

A scene starts with `# title`. Actions, then under each what must come of it, every line of it:

    market no feed                           (first line; otherwise the instrument is fed)
    book sell A 10 @ 100.00                  a limit gtc order of account A that rests untouched
    quote bid 99 x 5 ask 100 x 9 last 99.5   sides and last may be left out; `again`: it still
                                             stands; `age 20`: seconds old when it is heard;
                                             `volume 400`: shares traded since the one before
    quote last 99.5 spread 0.02              a feed that quotes no prices: half the spread is 0.02
    clock 16                                 seconds pass; a quote takes 0.01 of them itself
    order buy 20 market                      + gtc, ioc or fok, `cap 101`, `named M`, `by ann`, and
                                             instant or harsh: its profile, else realistic
    order sell 5 limit 100.10 / order sell 5 stop 98 / order sell 5 stop 98 limit 97
    order sell 5 stop 98 trail 2 from 100    trailing by 2, or by `2%`, behind a print at 100
    leg sell limit 110 named T for E         held until E, which is ordered later, fills
    order sell 5 limit 110 with S            one cancels the other, S, a stop that sleeps
    order buy 5 market worth 500 cap 104     an amount that came to 5; `step 0.01` (else 1),
                                             `most 8` shares (else twice as many)
    order buy 5 limit 99 extended            works outside of the session too, as does `book`
    session ends / session begins
    cancel A / expire A B / close A / restart / halt
    less A 3 as B                            B takes the place of A and wants 3

    fill A 10 @ 100.00, street 5 @ 100.20    of the order placed last; `fill M: ...` of another
    order filled, average 100.075            or: rests 5, waits 5, sleeps, has 5 left,
                                             canceled with 5 left: self_trade, expired,
                                             triggered at 98, trails to 99 behind 101,
                                             released with 5, resized to 4
    depth sell 100.10 x 5, 100.20 x 7        what rests on a side now
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from bengi.terms import Liquidity, OrderType, Realism, Side, TimeInForce
from instruments.realism import profile_of
from trades.matching.fixed import from_fixed, to_fixed, to_value
from trades.matching.market import Market
from trades.matching.outcomes import (
    Canceled,
    Expired,
    Fill,
    Released,
    Resized,
    Rested,
    Trailed,
    Triggered,
)
from trades.matching.working import StreetQuote, WorkingOrder

NUMBER = re.compile(r"(?<![\w.])\d+(\.\d+)?")
ACTIONS = (
    *("book", "quote", "clock", "order", "leg", "less", "cancel", "expire", "close"),
    *("restart", "halt", "session"),
)
RESULTS = (
    "filled,",
    "rests",
    "waits",
    "sleeps",
    "has",
    "canceled",
    "expired",
    "triggered",
    "trails",
    "released",
    "resized",
)
TIMES = {word.value for word in TimeInForce}
PROFILES = {profile.value for profile in Realism}
KINDS = {"trail": "trailing_stop", "stop": "stop", "limit": "limit", "market": "market"}


def scenes(text):
    """Return [(title, lines)] of a golden file."""
    found = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        if line.startswith("# "):
            found.append((line[2:], []))
        elif line:
            found[-1][1].append(line)
    return found


def is_action(line):
    """`order buy ..` is an action, `order filled ..` is what came of one."""
    first, *rest = line.split()
    return first in ACTIONS and not (rest and rest[0] in RESULTS)


def plain_numbers(line):
    """Write every number of a line without trailing zeros, so that 100.00 is 100."""
    return NUMBER.sub(lambda match: f"{Decimal(match[0]).normalize():f}", line)


class Blackboard:
    """A market and everything a scene has told about it."""

    def __init__(self):
        self.now = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
        self.count = 0
        self.market = self.new_market(has_feed=True)
        self.placed = {}
        self.legs = {}
        self.filled = {}
        self.heard = None

    def new_market(self, *, has_feed):
        """Return a market on cents and whole shares; its legs queue up with what is placed."""
        return Market(
            "XYZ",
            has_feed,
            tick=fixed("0.01"),
            step=fixed("1"),
            places=iter(self.next_place, None),
        )

    def next_place(self):
        self.count += 1
        return self.count

    def play(self, line):
        """Play one action and return what came of it, as lines."""
        first, *words = line.split()
        outcomes = getattr(self, first)(words)
        return [plain_numbers(line) for line in self.tell(outcomes)]

    # --- actions

    def quote(self, words):
        self.now += timedelta(milliseconds=10)
        age = timedelta(seconds=int(after(words, "age") or 0))
        bid, bid_size = quoted(words, "bid")
        ask, ask_size = quoted(words, "ask")
        known = self.market.quote or self.heard
        is_new = "again" not in words
        if not is_new:
            bid, ask, bid_size, ask_size = known.bid, known.ask, known.bid_size, known.ask_size
        quote = StreetQuote(
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
            last=fixed(after(words, "last")),
            as_of=self.now - age,
            is_new=is_new,
            volume=fixed(after(words, "volume") or "0"),
            middle=fixed(after(words, "last")) if "spread" in words else None,
            half_spread=fixed(after(words, "spread") or "0"),
        )
        self.heard = quote
        return self.market.on_quote(quote, self.now)

    def book(self, words):
        side, name, quantity, at, price, *rest = words
        assert at == "@"
        outcomes = self.order([side, quantity, "limit", price, "gtc", "named", name, *rest])
        assert [type(outcome) for outcome in outcomes] == [Rested], "a book line must only rest"
        return []

    def order(self, words):
        order = self.working(words)
        if order.id in self.legs:
            self.market.groups.join(order.id, self.legs[order.id])
        if "with" in words:
            self.market.groups.join(None, [order, self.placed[after(words, "with")]])
        return self.market.submit(order, self.now)

    def leg(self, words):
        side, *rest = words
        self.legs.setdefault(after(words, "for"), []).append(self.working([side, "0", *rest]))
        return []

    def working(self, words):
        side, quantity, *rest = words
        kind = next(kind for kind in KINDS if kind in rest)
        trail = after(rest, "trail") or ""
        money = after(rest, "worth")
        name = after(rest, "named") or "order"
        profile = profile_of(next((word for word in rest if word in PROFILES), "realistic"))
        order = WorkingOrder(
            id=name,
            account_id=after(rest, "by") or name,
            side=Side(side),
            type=OrderType(KINDS[kind]),
            time_in_force=TimeInForce(next((w for w in rest if w in TIMES), "day")),
            leaves=fixed(quantity),
            limit=fixed(after(rest, "limit")),
            stop=fixed(after(rest, "stop")),
            cap=fixed(after(rest, "cap")),
            priority=self.next_place(),
            trail=None if trail.endswith("%") else fixed(trail or None),
            trail_percent=fixed(trail[:-1]) if trail.endswith("%") else None,
            mark=fixed(after(rest, "from")),
            tick=fixed("0.01"),
            profile=profile,
            starts_at=self.now + profile.latency if profile.latency else None,
            extended_hours="extended" in rest,
            budget=None if money is None else to_value(Decimal(money)),
            shares_max=fixed(after(rest, "most")) or 2 * fixed(quantity),
            step=fixed(after(rest, "step") or "1"),
        )
        self.placed[name] = order
        self.filled[name] = (Decimal(0), Decimal(0))
        return order

    def clock(self, words):
        self.now += timedelta(seconds=float(words[0]))
        return []

    def cancel(self, words):
        return self.market.cancel(words[0])

    def expire(self, words):
        return self.market.expire(words)

    def close(self, words):
        return self.market.close(words[0], self.now)

    def session(self, words):
        if words == ["begins"]:
            return self.market.enter_session()
        self.market.leave_session()
        return []

    def restart(self, _words):
        old = self.market
        self.market = self.new_market(has_feed=old.has_feed)
        for order in old.open_orders():
            order.queue_ahead = None
            self.market.restore(order)
        for group in {id(group): group for group in old.groups.of.values()}.values():
            self.market.groups.join(group.entry, group.legs)
        if old.is_extended:
            self.market.leave_session()
        return []

    def less(self, words):
        old, quantity, _, new = words
        order = replace(self.market.find(old), id=new, leaves=fixed(quantity), queue_ahead=None)
        self.placed[new] = order
        self.filled[new] = (Decimal(0), Decimal(0))
        return self.market.swap(old, order)

    def halt(self, _words):
        self.market.fall_silent()
        return []

    def no_feed(self):
        self.market = self.new_market(has_feed=False)

    def depth(self, side):
        levels = self.market.levels(Side(side), 10)
        parts = [f"{from_fixed(price)} x {from_fixed(quantity)}" for price, quantity in levels]
        return plain_numbers(f"depth {side} {', '.join(parts) or 'empty'}")

    # --- what came of them

    def tell(self, outcomes):
        """Return lines for outcomes; a maker's fill is told by its taker's."""
        lines, makers = [], set()
        for place, outcome in enumerate(outcomes):
            if place in makers:
                self.note(outcome)
                continue
            name = outcome.order_id
            if isinstance(outcome, Fill):
                if outcome.match_id:
                    makers.add(place + 1)
                self.note(outcome)
                self.tell_fill(lines, outcome, goes_on(outcomes[place + 1 :], name))
            else:
                lines.append(self.tell_end(name, outcome))
        return lines

    def tell_fill(self, lines, fill, is_more):
        who = fill.counter_order_id or "street"
        assert (who == "street") == (fill.liquidity is Liquidity.STREET)
        part = f"{who} {from_fixed(fill.quantity)} @ {from_fixed(fill.price)}"
        name = fill.order_id
        head = "fill" if name == "order" else f"fill {name}:"
        if lines and lines[-1].split(" ")[: len(head.split())] == head.split():
            lines[-1] += f", {part}"
        else:
            lines.append(f"{head} {part}")
        if fill.leaves == 0:
            quantity, value = self.filled[name]
            lines.append(f"{name} filled, average {value / quantity}")
        elif not is_more:
            lines.append(f"{name} has {from_fixed(fill.leaves)} left")

    def tell_end(self, name, outcome):
        order = self.placed[name]
        left = f"{from_fixed(order.leaves):f}"
        match outcome:
            case Rested() if order.is_dormant:
                return f"{name} sleeps"
            case Rested():
                rests = any(level == order.limit for level, _ in self.market.levels(order.side, 99))
                return f"{name} {'rests' if rests else 'waits'} {left}"
            case Canceled(code=code):
                return f"{name} canceled with {left} left: {code}"
            case Triggered(last=last):
                return f"{name} triggered at {from_fixed(last)}"
            case Trailed(mark=mark, stop=stop):
                return f"{name} trails to {from_fixed(stop)} behind {from_fixed(mark)}"
            case Released(leaves=leaves):
                return f"{name} released with {from_fixed(leaves)}"
            case Resized(leaves=leaves):
                return f"{name} resized to {from_fixed(leaves)}"
            case Expired():
                return f"{name} expired"

    def note(self, fill):
        quantity, value = self.filled[fill.order_id]
        more = from_fixed(fill.quantity)
        self.filled[fill.order_id] = (quantity + more, value + more * from_fixed(fill.price))


def goes_on(outcomes, name):
    """Say whether more is told of an order than its fill."""
    return any(outcome.order_id == name for outcome in outcomes)


def after(words, word):
    return words[words.index(word) + 1] if word in words else None


def quoted(words, word):
    """Return (price, size) of `bid 99 x 5`; nothing and 0 when it is left out."""
    if word not in words:
        return None, 0
    place = words.index(word)
    assert words[place + 2] == "x"
    return fixed(words[place + 1]), fixed(words[place + 3])


def fixed(text):
    return None if text is None else to_fixed(Decimal(text))


def check_scene(lines):
    """Play a scene; every action must have exactly the consequences written under it."""
    board = Blackboard()
    if lines[0] == "market no feed":
        board.no_feed()
        lines = lines[1:]
    told = []
    for place, line in enumerate(lines):
        if is_action(line):
            assert not told, f"not on the blackboard: {told}"
            told = board.play(line)
        elif line.startswith("depth"):
            assert board.depth(line.split()[1]) == plain_numbers(line)
        else:
            assert told, f"line {place + 1}: nothing left to tell, but: {line}"
            assert told.pop(0) == plain_numbers(line)
    assert not told, f"not on the blackboard: {told}"
