"""The words of the help page, per word of the trade. Pure; a test asks that none is missing.

Each entry is told plainly first and exactly second.
"""

from typing import NamedTuple

from bengi.terms import OrderStatus, OrderType, TimeInForce


class Told(NamedTuple):
    """A name, what a beginner has to know, and the exact rule."""

    name: str
    plain: str
    exact: str


TYPES = {
    OrderType.MARKET: Told(
        "Market",
        "Buy or sell now, at whatever is offered. You get the shares; the price is the market's.",
        "It takes the best price first and may move through several. What is left waits for the "
        "next quote. It is refused while the quote is too old or nobody is on the other side.",
    ),
    OrderType.LIMIT: Told(
        "Limit",
        "Name your price. You never pay more, or get less; it may not fill at all.",
        "It takes what stands at its limit or better at once, at that better price. The rest "
        "stands in the book at your limit, behind those who came before at the same price.",
    ),
    OrderType.STOP: Told(
        "Stop",
        "Sleeps until the price reaches your stop, then sells, or buys, at the market. It ends a "
        "loss, or joins a move.",
        "A trade at or beyond the stop in the regular session fires it. From the next quote on it "
        "is a market order, wherever that is: a gap fills it beyond the stop.",
    ),
    OrderType.STOP_LIMIT: Told(
        "Stop limit",
        "A stop that turns into a limit order: it never sells below your limit, and may be left "
        "behind when the market jumps.",
        "It fires as a stop does. Then it rests at its limit, at the place in the queue that it "
        "was accepted at.",
    ),
    OrderType.TRAILING_STOP: Told(
        "Trailing stop",
        "A stop that follows the market up and never comes back down: what was won stays won, "
        "less the distance you choose.",
        "Its stop stands a price or a percentage behind the highest trade since it was accepted, "
        "the lowest for a buy, rounded to the tick away from the market. Then as a stop.",
    ),
}

TIMES = {
    TimeInForce.DAY: Told(
        "Day",
        "Until the exchange closes today.",
        "Sent while it is closed, through the next session. What is left expires.",
    ),
    TimeInForce.GTC: Told(
        "Good till canceled",
        "Until it fills or you cancel it.",
        "It stays open overnight and comes along when the company splits its shares.",
    ),
    TimeInForce.GTD: Told(
        "Good till date",
        "Until the moment you name.",
        "It expires then whether the exchange is open or not.",
    ),
    TimeInForce.IOC: Told(
        "Immediate or cancel",
        "Take what is there now, drop the rest.",
        "Decided by the first fresh quote that it is there for; the rest is canceled.",
    ),
    TimeInForce.FOK: Told(
        "Fill or kill",
        "All of it now, or nothing.",
        "Decided by the first fresh quote that it is there for.",
    ),
    TimeInForce.OPG: Told(
        "At the open",
        "Trade on the first quote of the next session.",
        "Taken only before that opens; what that quote does not fill is canceled.",
    ),
    TimeInForce.CLS: Told(
        "At the close",
        "Trade on the last quote of the session.",
        "Decided at the close, if that quote is fresh, before the day's other orders expire.",
    ),
}

STATUSES = {
    OrderStatus.ACCEPTED: "Booked and paid for. The engine takes it up at once, or at the opening.",
    OrderStatus.HELD: "Waits for another order: its entry, or the one that it replaces.",
    OrderStatus.NEW: "Works: it stands in the book, sleeps until its stop, or waits for a quote.",
    OrderStatus.PARTIALLY_FILLED: "Works, and some of it has traded.",
    OrderStatus.PENDING_CANCEL: "Asked to go; a fill may still come first.",
    OrderStatus.PENDING_REPLACE: "Asked to make room for another; a fill may still come first.",
    OrderStatus.FILLED: "Has traded in full. Final.",
    OrderStatus.CANCELED: "Taken back, by you or by its own rules. Final.",
    OrderStatus.EXPIRED: "Ran out of time. Final.",
    OrderStatus.REPLACED: "Gave way to the order you asked for instead. Final.",
    OrderStatus.REJECTED: "Could not take the place of the order it was to replace. Final.",
}

# What one can do about each reason of trades/matching/reasons.py, which says what it is.
WHAT_TO_DO = {
    "not_marketable": "Wait for the market to come, or replace the order with a nearer limit.",
    "cap_reached": "The market ran away after you ordered. Cancel and order anew to pay more.",
    "amount_too_small": "Nothing: what is left is too little for a step of a share at this price.",
    "stop_not_reached": "Nothing: this is what a stop is for.",
    "after_trigger": "Nothing: the next quote is moments away.",
    "no_quote": "Wait for the first quote; look at the age of the price.",
    "no_fresh_quote": "Wait for a fresh quote: an old price fills nothing, so that you get no "
    "price that is gone.",
    "on_its_way": "Nothing: in the harsh profile orders take a moment to arrive.",
    "nobody_offers": "Wait: the other side of the book is empty just now.",
    "no_volume": "Wait for a trade: your share is reckoned on what trades.",
    "queue_ahead": "Wait your turn, or pay one tick more to stand in front.",
    "not_through": "Wait: in the harsh profile a touch of your limit is not enough.",
    "no_size_left": "Wait for the next quote, which brings new sizes.",
    "waits_for_opening": "Nothing: it is meant for the open.",
    "waits_for_close": "Nothing: it is meant for the close.",
    "session_closed": "Wait for the opening, or allow extended hours where there are any.",
    "halted": "Wait until trading goes on. Canceling works all the same.",
    "held_for_entry": "Nothing: it wakes with the first fill of its entry.",
    "held_for_replace": "Nothing: it wakes when the engine has taken the old order back.",
    "not_seen_yet": "Nothing: the engine looks within moments.",
}

GLOSSARY = (
    ("Ask", "The lowest price at which somebody sells now. Buyers pay it."),
    ("Bid", "The highest price at which somebody buys now. Sellers get it."),
    ("Book", "All resting orders of an instrument, by price and then by time."),
    ("Bracket", "An entry with a take profit and a stop loss; one exit cancels the other."),
    ("Buying power", "Cash less what open orders hold."),
    ("Commission", "What the broker takes for a trade."),
    ("Depth", "How much is offered at each price, beyond the best one."),
    ("Extended hours", "Trading before and after the session, in New York, limit orders only."),
    ("Fill", "A trade of your order; an order may take several."),
    ("Gap", "The price jumps without trading in between, often overnight."),
    ("Good-faith violation", "Shares sold before the unsettled money that paid for them settled."),
    ("Lot", "Shares bought together; a sale closes lots by the method of your portfolio."),
    ("OCO", "One cancels the other: a limit and a stop on the same shares."),
    ("Realized", "Profit or loss of what has been sold; unrealized is of what is still held."),
    ("Reserved", "Cash or shares that an open order holds so that it can be paid for."),
    ("Settlement", "When money and shares really change hands, after the trade."),
    ("Shortfall", "What the fills cost more than the middle of the first quote the order met."),
    ("Spread", "Ask less bid: what buying and selling at once would cost."),
    ("Street", "The market's own quote, a participant of the book like any other."),
    ("Tick", "The smallest step of a price."),
)
