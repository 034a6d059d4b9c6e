"""The figures in the bar of every page: equity, and what it is made of, in one currency."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Subquery

from accounts.models import Account, User
from accounts.selectors import StreamHead, open_accounts_of, rates_at
from accounts.valuing import Valuer
from bengi import writing
from bengi.events.models import Stream
from bengi.money import plain, sum_or_none
from instruments.hours import trades_now
from portfolios.models import Portfolio
from portfolios.selectors import Holding, held_in

Amounts = Mapping[str, Decimal | None]
"""Amounts by currency; None where one is not known."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What the user has, in the base currency of the first account; None where that is not known.

    Reckoned as portfolios.summary does: value and gain portfolio by portfolio, cash account by
    account, so that it is the sum of what those pages say. streams were read before everything
    else, so that no later event can be missed. portfolios are those of the open accounts, oldest
    first, with their accounts, fee schedules and balances. open_symbols are those
    of the holdings for which prices have to come now.
    """

    streams: list[StreamHead]
    accounts: list[Account]
    portfolios: list[Portfolio]
    all_holdings: list[Holding]
    valuer: Valuer
    cash: Decimal | None
    reserved: Decimal | None
    value: Decimal | None
    gain: Decimal | None
    open_symbols: list[str]

    @property
    def currency(self) -> str:
        return self.valuer.currency

    @property
    def equity(self) -> Decimal | None:
        return sum_or_none([self.cash, self.value])

    @property
    def is_one_currency(self) -> bool:
        return all(held.instrument.currency == self.currency for held in self.all_holdings)

    @property
    def unknown(self) -> str:
        """Say why equity is not known; nothing where it is."""
        if self.equity is not None:
            return ""
        unpriced = [each.instrument.symbol for each in self.all_holdings if each.last is None]
        what, names = ("price", unpriced) if unpriced else ("rate", sorted(self.valuer.missing))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"no {what} for {names[0]}{more}"

    @property
    def for_script(self) -> str:
        """What a script reckons the same from as prices move, as JSON; nothing for the discreet."""
        if writing.current().is_discreet:
            return ""
        return json.dumps(
            {
                "currency": self.currency,
                "open": self.open_symbols,
                "rates": _rates(self),
                "cash": [_plain(_cash(account)) for account in self.accounts],
                "holdings": [
                    [_fact(each) for each in group] for group in _grouped(self.all_holdings)
                ],
            },
            separators=(",", ":"),
        )


def read_bar(user: User, now: datetime) -> Bar:
    """Return the figures of the user's bar: three statements, four without live quotes.

    One more for the rates, where there is something in another currency.
    """
    streams, accounts, portfolios = _owned(user)
    currency = accounts[0].base_currency if accounts else "USD"
    holdings = held_in(portfolios)
    names = {held.instrument.currency for held in holdings}
    names |= {each.currency for account in accounts for each in account.balances.all()} | {currency}
    valuer = Valuer.of(currency, rates_at(now, among=names) if len(names) > 1 else [])
    groups = _grouped(holdings)
    return Bar(
        streams,
        accounts,
        portfolios,
        holdings,
        valuer,
        cash=sum_or_none(valuer.total(_cash(account)) for account in accounts),
        reserved=sum_or_none(valuer.total(_reserved(account)) for account in accounts),
        value=sum_or_none(valuer.total(_values(group)) for group in groups),
        gain=sum_or_none(valuer.total(_gains(group)) for group in groups),
        open_symbols=sorted({held.instrument.symbol for held in holdings if _moves(held, now)}),
    )


def _moves(held: Holding, now: datetime) -> bool:
    """Return whether prices have to come for what is held: it trades now, and has a feed."""
    return held.instrument.has_feed and trades_now(held.instrument, now)


def _owned(user: User) -> tuple[list[StreamHead], list[Account], list[Portfolio]]:
    """Return the open accounts with where their logs stand, and their portfolios.

    One statement, which has a row for each portfolio; the balances are read after it.
    """
    head = Stream.objects.filter(id=OuterRef("id")).values("seq")
    columns = {field.attname: f"portfolios__{field.attname}" for field in _COLUMNS}
    rows = (
        open_accounts_of(user)
        .prefetch_related(None)
        .prefetch_related("balances")
        .annotate(head=Subquery(head), **{f"its_{name}": F(path) for name, path in columns.items()})
    )
    accounts: dict[object, Account] = {}
    portfolios = []
    for row in rows:
        account = accounts.setdefault(row.id, row)
        values = {name: getattr(row, f"its_{name}") for name in columns}
        if values["id"] is not None:
            portfolios.append(Portfolio(**values, account=account))
    heads = [StreamHead(each.id, vars(each)["head"] or 0) for each in accounts.values()]
    return heads, list(accounts.values()), sorted(portfolios, key=lambda each: each.id)


_COLUMNS = [field for field in Portfolio._meta.concrete_fields if field.attname != "account_id"]


def _cash(account: Account) -> dict[str, Decimal]:
    return {balance.currency: balance.amount for balance in account.balances.all()}


def _reserved(account: Account) -> dict[str, Decimal]:
    return {balance.currency: balance.reserved for balance in account.balances.all()}


def _values(holdings: Iterable[Holding]) -> Amounts:
    return _by_currency((held.instrument.currency, held.market_value) for held in holdings)


def _gains(holdings: Iterable[Holding]) -> Amounts:
    return _by_currency((held.instrument.currency, held.unrealized_pnl) for held in holdings)


def _by_currency(pairs: Iterable[tuple[str, Decimal | None]]) -> Amounts:
    found: dict[str, list[Decimal | None]] = {}
    for currency, amount in pairs:
        found.setdefault(currency, []).append(amount)
    return {currency: sum_or_none(amounts) for currency, amounts in found.items()}


def _grouped(holdings: Iterable[Holding]) -> list[list[Holding]]:
    """Return holdings portfolio by portfolio."""
    groups: dict[object, list[Holding]] = {}
    for held in holdings:
        groups.setdefault(held.position.portfolio_id, []).append(held)
    return list(groups.values())


def _fact(held: Holding) -> list[str]:
    """Return symbol, currency, quantity, cost and last price, which is "" where it is not known."""
    instrument = held.instrument
    last = "" if held.last is None else plain(held.last)
    return [
        *(instrument.symbol, instrument.currency),
        *(plain(held.quantity), plain(held.cost_basis), last),
    ]


def _plain(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: plain(amount) for currency, amount in amounts.items()}


def _rates(bar: Bar) -> dict[str, Any]:
    """Return by currency the rate to the bar's, and whether it is to be multiplied by."""
    found: dict[str, Any] = {}
    for pair, rate in bar.valuer.rates.items():
        if bar.currency in pair:
            (other,) = pair - {bar.currency}
            found[other] = [plain(rate.rate), rate.base == other]
    return found
