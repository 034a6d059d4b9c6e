"""The figures in the bar of every page: equity, and what it is made of."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import Account, User
from accounts.selectors import StreamHead, heads_of, open_accounts_of
from bengi.money import ZERO
from portfolios.selectors import Holding, open_portfolios_of, positions_of


@dataclass(frozen=True, slots=True)
class Bar:
    """What the user has, in the base currency of the first account.

    value and gain count the holdings in that currency only; there is no conversion yet.
    streams were read before everything else, so that no later event can be missed.
    """

    streams: list[StreamHead]
    currency: str
    cash: Decimal
    reserved: Decimal
    holdings: list[Holding]
    all_holdings: list[Holding]

    @property
    def value(self) -> Decimal:
        return sum((holding.market_value or ZERO for holding in self.holdings), ZERO)

    @property
    def gain(self) -> Decimal:
        return sum((holding.unrealized_pnl or ZERO for holding in self.holdings), ZERO)

    @property
    def equity(self) -> Decimal:
        return self.cash + self.value

    @property
    def is_one_currency(self) -> bool:
        return len(self.holdings) == len(self.all_holdings)


def read_bar(user: User) -> Bar:
    """Return the figures of the user's bar."""
    accounts = list(open_accounts_of(user))
    streams = heads_of(accounts)
    currency = accounts[0].base_currency if accounts else "USD"
    holdings = [held for portfolio in open_portfolios_of(user) for held in positions_of(portfolio)]
    amounts = [_balance(account, currency) for account in accounts]
    return Bar(
        streams=streams,
        currency=currency,
        cash=sum((cash for cash, _ in amounts), ZERO),
        reserved=sum((reserved for _, reserved in amounts), ZERO),
        holdings=[held for held in holdings if held.instrument.currency == currency],
        all_holdings=holdings,
    )


def _balance(account: Account, currency: str) -> tuple[Decimal, Decimal]:
    found = [balance for balance in account.balances.all() if balance.currency == currency]
    return (found[0].amount, found[0].reserved) if found else (ZERO, ZERO)
