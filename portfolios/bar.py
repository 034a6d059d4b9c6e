"""The figures in the bar of every page: equity, and what it is made of."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, OuterRef, Subquery

from accounts.models import Account, User
from accounts.selectors import StreamHead, open_accounts_of
from bengi.events.models import Stream
from bengi.money import ZERO
from portfolios.models import Portfolio
from portfolios.selectors import Holding, held_in


@dataclass(frozen=True, slots=True)
class Bar:
    """What the user has, in the base currency of the first account.

    value and gain count the holdings in that currency only; there is no conversion yet.
    streams were read before everything else, so that no later event can be missed. portfolios are
    those of the open accounts, oldest first, with their accounts, fee schedules and balances.
    """

    streams: list[StreamHead]
    currency: str
    cash: Decimal
    reserved: Decimal
    holdings: list[Holding]
    all_holdings: list[Holding]
    portfolios: list[Portfolio]

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
    """Return the figures of the user's bar: three statements, four without live quotes."""
    streams, accounts, portfolios = _owned(user)
    currency = accounts[0].base_currency if accounts else "USD"
    holdings = held_in(portfolios)
    amounts = [_balance(account, currency) for account in accounts]
    return Bar(
        streams=streams,
        currency=currency,
        cash=sum((cash for cash, _ in amounts), ZERO),
        reserved=sum((reserved for _, reserved in amounts), ZERO),
        holdings=[held for held in holdings if held.instrument.currency == currency],
        all_holdings=holdings,
        portfolios=portfolios,
    )


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


def _balance(account: Account, currency: str) -> tuple[Decimal, Decimal]:
    found = [balance for balance in account.balances.all() if balance.currency == currency]
    return (found[0].amount, found[0].reserved) if found else (ZERO, ZERO)
