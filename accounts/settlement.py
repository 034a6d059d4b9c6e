"""What of an account's cash is settled, and what a buy pays with. Pure.

A sale's proceeds are unsettled until its settlement date. Buys may use them, as brokers of cash
accounts allow; withdrawals and conversions may not. A buy takes settled cash first, then the
proceeds that settle soonest, so that a trader keeps out of trouble as long as possible.
Source: FINRA, "Good faith violations"; Regulation T, 12 CFR 220.8 (cash accounts).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bengi.money import ZERO


@dataclass(frozen=True, slots=True)
class Proceeds:
    """What is left of one sale's proceeds; unsettled as long as now is before settles_at."""

    id: UUID
    left: Decimal
    settles_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """How much of which proceeds paid for a buy."""

    id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CashState:
    """One currency of an account at one moment. cash = settled + unsettled, always.

    buying_power is cash not reserved; withdrawable what is settled and not reserved. Reservations
    count against settled cash first, because that is what the buys behind them will take first.
    """

    cash: Decimal
    reserved: Decimal
    settled: Decimal
    unsettled: Decimal
    buying_power: Decimal
    withdrawable: Decimal


def cash_state(
    cash: Decimal, reserved: Decimal, proceeds: Iterable[Proceeds], now: datetime
) -> CashState:
    """Return the state of cash at now. Nothing of it is negative while reserved <= cash."""
    unsettled = min(cash, unsettled_at(proceeds, now))
    settled = cash - unsettled
    return CashState(
        cash=cash,
        reserved=reserved,
        settled=settled,
        unsettled=unsettled,
        buying_power=cash - reserved,
        withdrawable=max(ZERO, settled - reserved),
    )


def unsettled_at(proceeds: Iterable[Proceeds], now: datetime) -> Decimal:
    """Return what is left of the proceeds that have not settled at now."""
    return sum((each.left for each in proceeds if each.settles_at > now), ZERO)


def pay(cost: Decimal, cash: Decimal, proceeds: Sequence[Proceeds], now: datetime) -> list[Part]:
    """Return the unsettled proceeds that a buy of cost uses, out of cash before it is paid.

    Settled cash goes first, then the proceeds that settle soonest; their sum is what settled cash
    does not cover. Empty when it covers all.
    """
    assert ZERO <= cost <= cash, "a buy spends cash that is there"
    waiting = sorted(
        (each for each in proceeds if each.settles_at > now and each.left > 0),
        key=lambda each: (each.settles_at, each.id),
    )
    missing = cost - (cash - min(cash, unsettled_at(waiting, now)))
    parts = []
    for each in waiting:
        if missing <= 0:
            break
        taken = min(each.left, missing)
        parts.append(Part(each.id, taken))
        missing -= taken
    assert missing <= 0, "what is not settled is in the proceeds"
    return parts


def is_in_good_faith(sold_at: datetime, paid_with: Iterable[datetime]) -> bool:
    """Say whether shares may be sold at sold_at: all proceeds that paid for them have settled.

    paid_with: when each of the proceeds settles that paid for the buy, if any did. Selling before
    that is a good-faith violation.
    """
    return all(settles_at <= sold_at for settles_at in paid_with)
