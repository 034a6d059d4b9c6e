"""What the stand-in lists, in Twelve Data's words for exchanges, types and currencies."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from bengi.terms import InstrumentType
from instruments.calendar import ALWAYS_OPEN, HOURS
from instruments.catalog import Listing, listings
from instruments.standin.refusals import not_found


class Venue(msgspec.Struct, frozen=True):
    """An exchange as Twelve Data names it, with two MICs: of the segment, which its instruments
    carry, and of the whole, which it is listed under itself; either is taken in requests. mic is
    ours."""

    name: str
    code: str
    whole: str
    title: str
    country: str
    zone: str
    mic: str
    rank: int
    """Of the lowest plan that includes it."""


VENUES = {
    mic: Venue(name, code, whole, title, country, HOURS[mic].zone.key, mic, rank)
    for mic, name, code, whole, title, country, rank in (
        ("XNAS", "NASDAQ", "XNGS", "XNAS", "NASDAQ", "United States", 0),
        ("XNYS", "NYSE", "XNYS", "XNYS", "New York Stock Exchange", "United States", 0),
        ("ARCX", "NYSE", "ARCX", "ARCX", "NYSE Arca", "United States", 0),
        ("XLON", "LSE", "XLON", "XLON", "London Stock Exchange", "United Kingdom", 1),
        ("XETR", "XETR", "XETR", "XETR", "Xetra", "Germany", 1),
        ("XAMS", "Euronext", "XAMS", "XAMS", "Euronext Amsterdam", "Netherlands", 1),
        ("XTKS", "JPX", "XTKS", "XJPX", "Japan Exchange Group", "Japan", 2),
        ("XHKG", "HKEX", "XHKG", "XHKG", "Hong Kong Exchange", "Hong Kong", 2),
    )
}
CRYPTO = Venue("Coinbase Pro", "", "", "Coinbase Pro", "", "UTC", ALWAYS_OPEN, 0)
FOREX = Venue("Forex", "", "", "Forex", "", "UTC", ALWAYS_OPEN, 0)

IN_PENCE, PENCE = {"XLON"}, "GBp"
"""Exchanges whose shares are quoted in hundredths of what we book them in."""

STOCK, ETF = "Common Stock", "ETF"
COIN, PAIR = "Digital Currency", "Physical Currency"
_TYPES = {InstrumentType.STOCK: STOCK, InstrumentType.ETF: ETF}

CURRENCIES = {
    "USD": "US Dollar",
    "EUR": "Euro",
    "GBP": "British Pound",
    "JPY": "Japanese Yen",
    "HKD": "Hong Kong Dollar",
    "CHF": "Swiss Franc",
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
}
RATES = {
    "EUR/USD": (Decimal("1.08450"), Decimal("0.00001")),
    "GBP/USD": (Decimal("1.26500"), Decimal("0.00001")),
    "USD/JPY": (Decimal("154.300"), Decimal("0.001")),
    "USD/HKD": (Decimal("7.78300"), Decimal("0.00001")),
    "USD/CHF": (Decimal("0.88400"), Decimal("0.00001")),
}
"""Pairs that the simulated market trades: (starting rate, smallest step)."""


class Listed(msgspec.Struct, frozen=True):
    """One instrument. key is its name in the market behind, symbol the one that clients use."""

    key: str
    symbol: str
    name: str
    venue: Venue
    type: str
    currency: str

    @property
    def is_pair(self) -> bool:
        """Whether it is one currency, or coin, told in another: no exchange prints its volume."""
        return self.type in {COIN, PAIR}

    @property
    def currencies(self) -> dict[str, str]:
        """The keys that say what a price is in: of a pair its two sides, else the currency."""
        if not self.is_pair:
            return {"currency": self.currency}
        base, quote = self.symbol.split("/")
        return {"currency_base": CURRENCIES[base], "currency_quote": CURRENCIES[quote]}


class Book:
    """Everything that is listed, found by what clients write."""

    def __init__(self, listed: Iterable[Listed]) -> None:
        self.listed = list(listed)
        self._by_symbol: dict[str, list[Listed]] = {}
        for each in self.listed:
            self._by_symbol.setdefault(each.symbol, []).append(each)

    def find(self, token: str, exchange: str = "", mic_code: str = "") -> Listed:
        """Return what "AAPL", "AAPL:NASDAQ", "AAPL:XNGS" or "EUR/USD" names. Raises Refused."""
        symbol, _, after = token.strip().upper().partition(":")
        for each in self._by_symbol.get(symbol, ()):
            if fits(each, after) and fits(each, exchange) and fits(each, mic_code):
                return each
        raise not_found()

    def search(self, text: str) -> list[Listed]:
        """Return what text may mean, the likeliest first: the symbol, its start, the name."""
        wanted = text.strip().upper()
        ranked = [(_likeness(each, wanted), each) for each in self.listed]
        found = [(rank, each) for rank, each in ranked if rank is not None]
        return [each for _, each in sorted(found, key=lambda pair: (pair[0], pair[1].symbol))]


def fits(each: Listed, exchange: str) -> bool:
    """Return whether an exchange's name or MIC, if one is given, is that of each."""
    venue = each.venue
    return exchange.upper() in {"", venue.name.upper(), venue.code, venue.whole}


def catalog_book() -> Book:
    """Return the book of the catalog's instruments with a feed, and of the currency pairs."""
    known = [listed(each) for each in listings() if each.has_feed]
    return Book([*known, *(pair(symbol) for symbol in RATES)])


def recorded_book(symbols: Iterable[str]) -> Book:
    """Return the book of recorded symbols; what the catalog does not know is taken for Nasdaq's."""
    known = {each.symbol: listed(each) for each in listings() if each.has_feed}
    return Book(known.get(symbol) or _unknown(symbol) for symbol in symbols)


def listed(listing: Listing) -> Listed:
    """Return how Twelve Data would list an instrument of the catalog."""
    if listing.type in _TYPES:
        venue, kind = VENUES[listing.mic], _TYPES[listing.type]
        currency = PENCE if venue.mic in IN_PENCE else listing.currency
        return Listed(listing.symbol, listing.symbol, listing.name, venue, kind, currency)
    symbol = f"{listing.symbol.removesuffix(listing.currency)}/{listing.currency}"
    return Listed(listing.symbol, symbol, _pair_name(symbol), CRYPTO, COIN, listing.currency)


def pair(symbol: str) -> Listed:
    """Return a currency pair."""
    return Listed(symbol, symbol, _pair_name(symbol), FOREX, PAIR, symbol[-3:])


def _pair_name(symbol: str) -> str:
    base, quote = symbol.split("/")
    between = " " if base in {"BTC", "ETH"} else " / "
    return f"{CURRENCIES[base]}{between}{CURRENCIES[quote]}"


def _unknown(symbol: str) -> Listed:
    return Listed(symbol, symbol, symbol, VENUES["XNAS"], STOCK, "USD")


def _likeness(each: Listed, wanted: str) -> int | None:
    if each.symbol == wanted:
        return 0
    if each.symbol.startswith(wanted):
        return 1
    return 2 if wanted in each.name.upper() else None
