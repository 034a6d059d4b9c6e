"""The street: the market's quote as one more participant, with what is left of its sizes.

What it offers depends on who asks: an order's realism profile says how old the quote may be, how
much of it is there, and where the prices stand when the feed does not tell.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bengi.terms import Realism, Side
from instruments.realism import Profile
from instruments.spread import around
from trades.matching.impact import slipped
from trades.matching.trails import NEVER
from trades.matching.working import StreetQuote, WorkingOrder, is_within

_BUY = Side.BUY
_NO_AGE = timedelta(0)
_UNHEARD = timedelta.max
_ANY_SIZE = 10**30
_PERCENT = 100


class Street:
    """The current quote and how much of it has been taken: bought of the ask, sold of the bid.

    A quote once found too old for a profile offers its orders nothing until the market speaks
    again, even if the clock is set back. Where the feed shows no sizes there are shares of what
    was traded last, until something more trades. Nothing that it said last is below lowest or above
    highest: a resting buy below the one and a sell above the other cannot fill, and nothing changes
    for them.
    """

    __slots__ = (
        "_age",
        "_bought",
        "_known",
        "_printed_left",
        "_sold",
        "_step",
        "_tick",
        "_views",
        "_volume",
        "highest",
        "lowest",
        "quote",
    )

    def __init__(self, tick: int = 1, step: int = 1) -> None:
        self._tick, self._step = tick, step
        self.quote: StreetQuote | None = None
        self._known: StreetQuote | None = None
        self.lowest, self.highest = NEVER, -NEVER
        self._bought = self._sold = self._volume = self._printed_left = 0
        self._age = _UNHEARD
        self._views: dict[Realism, StreetQuote] = {}

    def hear(self, quote: StreetQuote) -> bool:
        """Take in what the market says. False when that is old news: an older or the same quote."""
        known = self._known
        if known is not None and (quote.as_of < known.as_of or quote == known):
            return False
        volume = quote.volume
        if quote.bid_size > 0 or quote.ask_size > 0:
            brings_more = quote.is_new or known is None
        else:
            brings_more = volume > 0 or known is None or known.has_sizes
        if brings_more:
            self._bought = self._sold = 0
            self._volume = volume
        self.quote = self._known = quote
        self._printed_left = volume
        self._age = _NO_AGE
        if self._views:
            self._views.clear()
        self._note_reach(quote)
        return True

    def _note_reach(self, quote: StreetQuote) -> None:
        low, high, last = quote.bid, quote.ask, quote.last
        if low is None or high is None:
            prices = (low, high, quote.middle, last)
            named = [price for price in prices if price is not None]
            low, high = min(named, default=NEVER), max(named, default=-NEVER)
        elif last is not None:
            if last < low:
                low = last
            elif last > high:
                high = last
        self.lowest, self.highest = low, high

    def look_at_clock(self, now: datetime) -> None:
        """Notice how old the quote has become."""
        if self.quote is not None:
            age = now - self.quote.as_of
            self._age = max(self._age, age)

    def fall_silent(self) -> None:
        """Offer nothing until the market speaks again."""
        self._age = _UNHEARD

    def begin_anew(self) -> None:
        """Begin a part of the day in which nobody has quoted yet.

        If the market says then that its quote still stands, what was taken of that is still gone.
        """
        self.fall_silent()
        self.quote = None

    def serves(self, order: WorkingOrder) -> bool:
        """Say whether the quote is young enough for the order, and later than it arrived."""
        if self.quote is None or self._age > order.profile.max_age:
            return False
        return order.starts_at is None or self.quote.as_of >= order.starts_at

    def view(self, profile: Profile) -> StreetQuote | None:
        """Return the quote as the orders of a profile see it."""
        quote = self.quote
        if quote is None or (quote.has_sizes and quote.middle is None):
            return quote
        view = self._views.get(profile.name)
        if view is None:
            if not quote.volume:
                quote = replace(quote, volume=self._volume)
            view = self._views[profile.name] = self.shown(quote, profile)
        return view

    def shown(self, quote: StreetQuote, profile: Profile) -> StreetQuote:
        """Return any quote as the orders of a profile see it: with prices, and with sizes.

        Where the feed quotes no prices they stand around the last print; where it shows no sizes
        they are the profile's share of the volume, in whole steps. A quote with both is itself.
        """
        bid, ask = quote.bid, quote.ask
        bid_size, ask_size = quote.bid_size, quote.ask_size
        if quote.middle is not None:
            half, factor = quote.half_spread, profile.spread_factor
            bid, ask = around(quote.middle, half, factor=factor, tick_size=self._tick)
        elif quote.has_sizes:
            return quote
        if not quote.has_sizes:
            share = quote.volume * profile.volume_percent // _PERCENT
            bid_size = ask_size = share // self._step * self._step
        return replace(quote, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size)

    def price(self, order: WorkingOrder) -> int | None:
        """Return the price quoted to an order, whatever is left; None where there is none."""
        view = self.view(order.profile) if self.serves(order) else None
        if view is None:
            return None
        return view.ask if order.side is _BUY else view.bid

    def left(self, order: WorkingOrder) -> int:
        """Return how much is still there for an order."""
        profile = order.profile
        if profile.is_unlimited:
            return _ANY_SIZE
        view = self.view(profile)
        if view is None:
            return 0
        if order.side is _BUY:
            return max(0, view.ask_size - self._bought)
        return max(0, view.bid_size - self._sold)

    def offer(self, order: WorkingOrder) -> int | None:
        """Return the price the street offers to an order, None when it has nothing for it."""
        price = self.price(order)
        return price if price is not None and self.left(order) else None

    def give(self, order: WorkingOrder, most: int = _ANY_SIZE) -> int:
        """Let an order have what it wants of what is left, count its leaves down, return how much.

        What a profile without limits takes is there for the others all the same.
        """
        quantity = min(order.leaves, self.left(order), most)
        order.leaves -= quantity
        if order.profile.is_unlimited:
            return quantity
        if order.side is _BUY:
            self._bought += quantity
        else:
            self._sold += quantity
        return quantity

    def give_of_print(self, order: WorkingOrder, ahead: int) -> int:
        """Let an order have of the newest print what ahead, the queue before it, has left of it.

        What others have had of the print is gone; a print of untold size has all there is.
        """
        quote = self.quote
        assert quote is not None
        if not quote.volume or order.profile.is_unlimited:
            return 0 if ahead else self.give(order)
        quantity = self.give(order, max(0, self._printed_left - ahead))
        self._printed_left -= quantity
        return quantity

    def price_after_impact(self, order: WorkingOrder, price: int, more: int = 0) -> int:
        """Return what an order pays for what it was just given at price, never beyond its bound.

        more: what it would be given besides. Displayed sizes cost what they are displayed at, a
        share of the volume moves the price.
        """
        quote, percent = self.quote, order.profile.impact_percent
        if quote is None or quote.has_sizes or not percent:
            return price
        found = slipped(
            price,
            order.side,
            taken=more + (self._bought if order.side is _BUY else self._sold),
            volume=self._volume,
            impact_percent=percent,
            tick=self._tick,
        )
        bound = order.bound
        return found if bound is None or is_within(found, bound, order.side) else bound
