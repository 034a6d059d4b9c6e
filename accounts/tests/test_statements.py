"""Statements of any bookings: the page, the file and the API say what a plain list says.

The oracle is a list of what was booked, added up in order; it knows no ledger and no queries.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.conversions import convert
from accounts.ledger import LedgerLeg, NewTransaction
from accounts.models import Account, CashBalance
from accounts.period import read_period
from accounts.services import deposit, lock_accounts, post_cash, withdraw
from accounts.statement import StatementLine, read_statement, statement_csv, statement_shape
from accounts.tests.factories import UserFactory
from accounts.tests.money_stage import funded, rate
from bengi.ids import new_id
from bengi.money import ZERO
from bengi.terms import LedgerBook, LedgerKind

pytestmark = pytest.mark.django_db
FIRST = datetime.fromisoformat("2026-03-02T15:00:00+00:00")
ROUTES = ["deposit", "withdrawal", "fx", "trade", "fee", "dividend"]
D = Decimal


@dataclass(frozen=True)
class Booked:
    """What the oracle remembers of a movement."""

    at: datetime
    kind: str
    currency: str
    amount: Decimal


bookings = st.lists(
    st.tuples(
        st.sampled_from(ROUTES),
        st.integers(1, 40_000),
        st.sampled_from(["USD", "EUR"]),
        st.integers(0, 30),
    ),
    max_size=14,
)


class Stage:
    """An account, and the plain list of what has moved its cash."""

    def __init__(self) -> None:
        self.account = funded("1000")
        self.told = [Booked(FIRST, "deposit", "USD", D(1000))]
        self.at = FIRST
        rate("EUR/USD", "1.0845", FIRST)

    def book(self, kind: str, cents: int, currency: str, hours: int) -> None:
        """Book one movement, unless there is not the money for it."""
        self.at += timedelta(hours=hours)
        amount, here = D(cents) / 100, self.sum_of(currency)
        is_in = kind in {"deposit", "dividend"}
        if not is_in and amount > here:
            return
        if kind == "fx":
            self._convert(amount, currency)
            return
        if kind == "deposit":
            deposit(self.account, amount, currency, key=new_id().hex, now=self.at)
        elif kind == "withdrawal":
            withdraw(self.account.id, amount, currency, key=new_id().hex, now=self.at)
        else:
            self._post(LedgerKind(kind), amount if is_in else -amount, currency)
        self.told.append(Booked(self.at, kind, currency, amount if is_in else -amount))

    def _convert(self, amount: Decimal, source: str) -> None:
        target = "EUR" if source == "USD" else "USD"
        if amount < D("0.05"):
            return
        key = new_id().hex
        told = convert(self.account.id, source, target, amount, key=key, now=self.at).body
        came = D(told["conversion"]["target_amount"])
        self.told.append(Booked(self.at, "fx", source, -amount))
        self.told.append(Booked(self.at, "fx", target, came))

    def _post(self, kind: LedgerKind, amount: Decimal, currency: str) -> None:
        lock_accounts([self.account.id])
        legs = (
            LedgerLeg(LedgerBook.CUSTOMER_CASH, self.account.id, currency, amount),
            LedgerLeg(LedgerBook.EXTERNAL, None, currency, -amount),
        )
        new = NewTransaction(
            id=new_id(),
            kind=kind,
            reference=str(new_id()),
            account_id=self.account.id,
            occurred_at=self.at,
            description="=1+1",
            legs=legs,
        )
        post_cash([new], "cash.posted", {}, self.at)

    def sum_of(self, currency: str, until: datetime | None = None) -> Decimal:
        return sum(
            (
                each.amount
                for each in self.told
                if each.currency == currency and (until is None or each.at < until)
            ),
            ZERO,
        )

    def expected(
        self, currency: str, since: date, until: date, kind: str | None
    ) -> list[tuple[str, Decimal, Decimal]]:
        """Return (kind, amount, balance) of the lines of some days, oldest first."""
        balance, lines = ZERO, []
        for each in self.told:
            if each.currency != currency:
                continue
            balance += each.amount
            if since <= each.at.date() <= until and kind in {None, each.kind}:
                lines.append((each.kind, each.amount, balance))
        return lines


def facts(lines: list[StatementLine]) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.entry.transaction.kind, line.entry.amount, line.balance) for line in lines]


@settings(max_examples=25, deadline=None)
@given(bookings, st.integers(0, 4), st.integers(0, 8), st.sampled_from([None, *ROUTES]))
def test_any_statement_is_the_plain_list_and_comes_to_the_cash(told, start, length, kind):
    with transaction.atomic():
        stage = Stage()
        for each in told:
            stage.book(*each)
        for balance in CashBalance.objects.filter(account=stage.account):
            whole = read_statement(stage.account, balance.currency)
            assert whole.closing == balance.amount == stage.sum_of(balance.currency)
        since = FIRST.date() + timedelta(days=start)
        until = since + timedelta(days=length)
        for currency in ("USD", "EUR"):
            compare(stage, currency, since, until, kind)
        compare_period(stage, since, until)
        transaction.set_rollback(True)


def compare(stage: Stage, currency: str, since: date, until: date, kind: Any) -> None:
    """Hold every form of a statement against the plain list."""
    expected = stage.expected(currency, since, until, kind)
    statement = read_statement(stage.account, currency, since, until, kind)
    assert statement.opening == stage.sum_of(currency, until=midnight(since))
    assert statement.closing == stage.sum_of(currency, until=midnight(until + timedelta(days=1)))
    assert statement.listed == sum((amount for _, amount, _ in expected), ZERO)
    assert facts(statement.lines()) == expected
    assert facts(leaves(statement, 3)) == expected[::-1]
    shape = statement_shape(statement)
    assert [(line["kind"], D(line["amount"]), D(line["balance"])) for line in shape["lines"]] == (
        expected
    )
    rows = list(csv.DictReader(io.StringIO("".join(statement_csv(statement)), newline="")))
    assert [row["kind"] for row in (rows[0], rows[-1])] == ["opening", "closing"]
    assert (D(rows[0]["balance"]), D(rows[-1]["balance"])) == (
        statement.opening,
        statement.closing,
    )
    assert [(row["kind"], D(row["amount"]), D(row["balance"])) for row in rows[1:-1]] == expected
    assert all(row["occurred_at_utc"].endswith("Z") for row in rows[1:-1])
    assert not any(row["description"].startswith("=") for row in rows)


def leaves(statement: Any, limit: int) -> list[StatementLine]:
    """Return all lines, page by page, to the oldest; on the way back they are the same."""
    pages, after = [], ""
    while True:
        lines, leaf = statement.leaf(limit, after=after)
        pages.append(lines)
        if not leaf.older:
            break
        after = leaf.older
    for earlier in pages[-2::-1]:
        lines, leaf = statement.leaf(limit, before=leaf.newer)
        assert facts(lines) == facts(earlier)
    return [line for lines in pages for line in lines]


def compare_period(stage: Stage, since: date, until: date) -> None:
    """A period is the statements of its currencies, and opening + entries = closing."""
    for period in read_period(stage.account, since, until):
        statement = read_statement(stage.account, period.currency, since, until)
        assert facts(list(period.lines)) == facts(statement.lines())
        assert (period.opening, period.closing) == (statement.opening, statement.closing)
        entries = sum((line.entry.amount for line in period.lines), ZERO)
        assert period.opening + entries == period.closing
        assert sum((total.amount for total in period.totals), ZERO) == entries
        assert sum(total.count for total in period.totals) == len(period.lines)


def midnight(day: date) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


@pytest.fixture
def stage(client: Client) -> Stage:
    made = Stage()
    for number in range(4):
        made.book("deposit", 100 * (number + 1), "USD", 24)
        made.book("fee", 10, "USD", 0)
    client.force_login(made.account.user)
    return made


def page(client: Client, **asked: str) -> Any:
    return client.get("/account", asked).context


def test_the_page_narrows_by_kind_days_and_currency(client, stage):
    fees = page(client, kind="fee")
    assert [line.entry.amount for line in fees["lines"]] == [D("-0.10")] * 4
    assert fees["lines"][0].balance == fees["statement"].closing == D("1009.60")
    days = page(client, **{"from": "2026-03-04", "to": "2026-03-04"})
    assert [line.balance for line in days["lines"]] == [D("1002.80"), D("1002.90")]
    assert (days["statement"].opening, days["statement"].closing) == (D("1000.90"), D("1002.80"))


def test_the_page_s_file_is_the_api_s_statement(client, stage):
    told = page(client, kind="fee", **{"from": "2026-03-04"})
    rows = list(csv.DictReader(io.StringIO(client.get(told["csv_url"]).getvalue().decode())))
    api = client.get(told["csv_url"].replace("format=csv", "format=json")).json()
    assert [row["balance"] for row in rows[1:-1]] == [line["balance"] for line in api["lines"]]
    shown = [str(line.balance.normalize()) for line in told["lines"]]
    assert [str(D(line["balance"]).normalize()) for line in api["lines"]] == shown[::-1]


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({"from": "yesterday"}, "from", "Write a day, such as 2026-03-31."),
        ({"to": "9999-12-31"}, "to", "Write a day of the years 1901 to 2999."),
        ({"from": "1900-12-31"}, "from", "Write a day of the years 1901 to 2999."),
        ({"from": "2026-03-05", "to": "2026-03-04"}, "to", "It is before the first day."),
        ({"kind": "theft"}, "kind", "Choose one of the list."),
        ({"currency": "XYZ"}, "currency", "Choose one of the list."),
    ],
)
def test_a_wrong_filter_says_so_beside_its_field(client, stage, asked, field, words):
    answer = client.get("/account", asked)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert words in text
    assert f'aria-describedby="f-{field}-error"' in text
    assert answer.context["filters"][field].value() == asked[field]


def test_none_at_all_is_told_from_none_that_match(client, stage):
    text = client.get("/account?kind=dividend").content.decode()
    assert "No entries match the filter" in text
    assert "throughout" not in text, "deposits and fees have moved it"
    text = client.get("/account?from=2026-04-01").content.decode()
    assert "The balance was 1,009.60 USD throughout." in text
    nobody = UserFactory()
    Account.objects.filter(id=stage.account.id).update(user=nobody)
    assert "No account yet" in client.get("/account").content.decode()


def test_a_broken_cursor_is_the_first_page(client, stage):
    first = page(client)
    for cursor in ("x", "WyJhIl0", "\0"):
        assert facts(page(client, after=cursor)["lines"]) == facts(first["lines"])
        assert facts(page(client, before=cursor)["lines"]) == facts(first["lines"])


def test_the_page_takes_as_many_queries_over_more(client, stage, django_assert_max_num_queries):
    for number in range(60):
        stage.book("deposit", 100, "USD", number % 2)
        stage.book("fee", 1, "USD", 0)
    for asked in ({}, {"kind": "fee"}, {"from": "2026-03-03", "kind": "deposit"}):
        with django_assert_max_num_queries(24):
            client.get("/account", asked)
