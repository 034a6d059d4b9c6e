"""What the account page shows: cash per currency, what settles when, and one page of statement."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import QueryDict

from accounts.cash_table import cash_table, settlings
from accounts.forms import KIND_WORDS, ConvertForm, MoneyForm, MoveForm, StatementFilter
from accounts.models import Account, User
from accounts.move_facts import move_facts
from accounts.selectors import (
    VIOLATIONS_MAX,
    accounts_of,
    cash_states_of,
    heads_of,
    main_account,
    rates_at,
    with_unsettled,
)
from accounts.settlement import CashState
from accounts.statement import read_statement
from bengi.ids import new_id
from bengi.moments import one_moment
from bengi.money import MINOR_UNITS

STATEMENT_PAGE = 50
SETTLINGS_MAX = 5
MOVES = [("deposit", "Deposit"), ("withdraw", "Withdraw"), ("convert", "Convert")]


def fresh_forms(currency: str) -> dict[str, MoneyForm]:
    """Return the empty forms, each with a key of its own."""
    first = currency if currency in MINOR_UNITS else "USD"
    return {
        "deposit": MoveForm(initial={"currency": first, "key": new_id()}),
        "withdraw": MoveForm(initial={"currency": first, "key": new_id()}),
        "convert": ConvertForm(
            initial={"source": first, "target": "EUR" if first == "USD" else "USD", "key": new_id()}
        ),
    }


def account_context(
    user: User, query: QueryDict, forms: Mapping[str, MoneyForm], what: str, now: datetime
) -> dict[str, Any]:
    """Return what the page shows to its user, the form of one movement of money on top."""
    owned = accounts_of(user)
    heads = heads_of(owned.prefetch_related(None))  # first: the page is told of what comes after
    mine = main_account(with_unsettled(owned, now))
    context: dict[str, Any] = {"place": "account", "heads": heads}
    if mine is None:
        return context
    states, rates = _base_first(mine, cash_states_of(mine, now)), rates_at(now)
    move = what if what in forms else "deposit"
    return context | {
        "account": mine,
        "cash": list(states.items()),
        "table": cash_table(mine.base_currency, states, rates),
        "settlings": settlings(mine.unsettled.all())[:SETTLINGS_MAX],
        "forms": forms,
        "moves": MOVES,
        "move": move,
        "form": forms[move],
        "facts": move_facts(mine, move, forms[move].asked, now),
        "rates": rates,
        "violations": list(mine.violations.all())[:VIOLATIONS_MAX],
        **statement_context(mine, query, list(states)),
    }


def statement_context(account: Account, query: QueryDict, currencies: list[str]) -> dict[str, Any]:
    """Return one page of the statement that the query asks for."""
    base = account.base_currency
    known = sorted({*currencies, base}, key=lambda code: (code != base, code))
    filters = StatementFilter(query, known)
    asked = filters.query
    currency = asked["currency"] or base
    cursors = {name: query.get(name, "") for name in ("after", "before")}
    with one_moment():
        statement = read_statement(account, currency, asked["from"], asked["to"], asked["kind"])
        lines, leaf = statement.leaf(STATEMENT_PAGE, **cursors)
    csv = filters.address(currency=currency, format="csv")
    return {
        "filters": filters,
        "is_narrow": bool(asked["kind"] or asked["from"] or asked["to"]),
        "statement": statement,
        "currency": currency,
        "lines": lines,
        "leaf": leaf,
        "kind_words": KIND_WORDS,
        "csv_url": f"/api/v1/accounts/{account.id}/statement?{csv}",
    }


def _base_first(account: Account, states: dict[str, CashState]) -> dict[str, CashState]:
    order = sorted(states, key=lambda code: (code != account.base_currency, code))
    return {code: states[code] for code in order}
