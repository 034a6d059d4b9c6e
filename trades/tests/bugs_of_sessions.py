"""Bugs planted where the day has parts and orders have amounts: (name, module, old, new)."""

ASIDE = "trades.matching.aside"
BOOK = "trades.matching.book"
MARKET = "trades.matching.market"
STREET = "trades.matching.street"
WORKING = "trades.matching.working"

SESSION_BUGS = [
    (
        "outside of the session everybody is there",
        ASIDE,
        "_book_of(order for order in resting if order.extended_hours)",
        "_book_of(resting)",
    ),
    (
        "a market order that waits trades in the evening",
        ASIDE,
        "waiting.dismiss())",
        "WaitingRoom())",
    ),
    (
        "a stop fires after hours",
        MARKET,
        "if last is not None and self._aside is None:",
        "if last is not None:",
    ),
    (
        "a restart in the evening lets everybody in",
        MARKET,
        "aside = None if order.extended_hours else self._aside",
        "aside = None",
    ),
    (
        "the last quote of the session is good after it",
        MARKET,
        "dismiss(self._book, self._waiting)\n        self._street.begin_anew()\n",
        "dismiss(self._book, self._waiting)\n",
    ),
    (
        "an order for the close trades in the evening",
        MARKET,
        "if self._aside or not self._street.serves(order):",
        "if not self._street.serves(order):",
    ),
    (
        "what crosses at the opening stays so",
        ASIDE,
        "while (pair := book.crossing()) is not None:",
        "while pair := None:",
    ),
    (
        "at the opening the later order names the price",
        ASIDE,
        "first, later = sorted(pair, key=by_priority)",
        "later, first = sorted(pair, key=by_priority)",
    ),
    (
        "at the opening an account trades with itself",
        ASIDE,
        "if first.account_id == later.account_id:",
        "if first.account_id == later.account_id is None:",
    ),
    (
        "places in the queue are lost over the night",
        ASIDE,
        "_book_of(sorted(chain(book, aside.resting.values()), key=by_priority))",
        "_book_of([*book, *aside.resting.values()])",
    ),
    (
        "touching prices do not trade at the opening",
        BOOK,
        "        if bid < ask:\n",
        "        if bid <= ask:\n",
    ),
    ("an amount is spent twice", WORKING, "            self.budget -= quantity * price\n", ""),
    (
        "an amount is rounded up to a step",
        WORKING,
        "self.budget // price // self.step * self.step",
        "-(-self.budget // price // self.step) * self.step",
    ),
    ("an amount takes too many shares", WORKING, ", self.shares_max)", ", 10**18)"),
    (
        "an amount is forgotten after its first fill",
        WORKING,
        "            self.leaves = self.wants(price)\n",
        "            self.leaves = 0\n",
    ),
    (
        "a waiting amount meets more than it can pay",
        MARKET,
        "quantity = min(order.leaves, maker.wants(price))",
        "quantity = min(order.leaves, maker.leaves)",
    ),
    (
        "an amount pays what the street asks before it moves",
        MARKET,
        "wanted = order.wants(self._street.price_after_impact(order, price, more))",
        "wanted = order.wants(price)",
    ),
    (
        "the last quote of the pre-market is good in the session",
        MARKET,
        "            self._aside = None\n            self._street.begin_anew()\n",
        "            self._aside = None\n",
    ),
    (
        "what was taken before the session is there in it",
        STREET,
        "        self.fall_silent()\n        self.quote = None\n",
        "        self.fall_silent()\n        self.quote = self._known = None\n",
    ),
]
