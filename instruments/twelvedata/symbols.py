"""Our listings by Twelve Data's names. Pure.

A symbol of New York stands alone, others with their exchange behind a colon. What comes back names
a segment of the exchange: the listing is ours when the segment belongs to our MIC.
"""

from decimal import Decimal

import msgspec

from bengi.terms import InstrumentType
from instruments.calendar import ALWAYS_OPEN

_EXCHANGE = {
    "XNAS": "",
    "XNYS": "",
    "ARCX": "",
    "XLON": ":LSE",
    "XETR": ":XETR",
    "XAMS": ":Euronext",
    "XTKS": ":JPX",
    "XHKG": ":HKEX",
}
_SEGMENTS = {
    "XNAS": {"XNAS", "XNGS", "XNMS", "XNCM"},
    "XTKS": {"XTKS", "XJPX"},
    "ARCX": {"ARCX", "XNYS"},
}
"""MICs of segments (ISO 10383) that are traded as one exchange here."""
_PARTS = {("GBp", "GBP"): Decimal("0.01"), ("GBX", "GBP"): Decimal("0.01")}
"""Currencies that they quote in parts of ours: London's pence."""
_COIN_CURRENCY_LENGTH = 3


class Target(msgspec.Struct, frozen=True):
    """An instrument to be quoted, and the token it is asked for by."""

    token: str
    symbol: str
    instrument_id: str
    shard: int
    mic: str
    currency: str


def token_of(symbol: str, mic: str, kind: str) -> str | None:
    """Return the token of a listing; None where they have no such exchange.

    A coin of the house venue, BTCUSD, is theirs as BTC/USD.
    """
    if mic == ALWAYS_OPEN and kind == InstrumentType.CRYPTO:
        base, quote = symbol[:-_COIN_CURRENCY_LENGTH], symbol[-_COIN_CURRENCY_LENGTH:]
        return f"{base}/{quote}" if base else None
    ending = _EXCHANGE.get(mic)
    return None if ending is None else f"{symbol}{ending}"


def is_same_market(told: str, mic: str) -> bool:
    """Say whether a MIC that they tell is ours, or a segment of it. Untold, it is taken as ours."""
    return not told or told in _SEGMENTS.get(mic, {mic})


def unit_of(told: str, currency: str) -> Decimal | None:
    """Return what their prices are multiplied by to be in our currency; None for another one."""
    if not told or told == currency:
        return Decimal(1)
    return _PARTS.get((told, currency))
