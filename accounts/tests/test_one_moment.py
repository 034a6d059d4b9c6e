"""Statements while money moves: whatever is booked between two reads, what is told adds up."""

import csv
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import Account
from accounts.services import deposit
from accounts.tests.money_stage import NOW, cash, funded
from bengi.ids import new_id
from bengi.moments import one_moment

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


def elsewhere(work: Callable[[], Any]) -> None:
    """Do it on another connection, and wait until it has been committed."""

    def body() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "a reader keeps writers waiting"


@contextmanager
def booking_after_each_read(account: Account) -> Iterator[list[str]]:
    """Deposit 1 USD after every read of the ledger on this connection; yield what was read."""
    read: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith(("SELECT", "DECLARE")) and "accounts_ledgerentry" in sql:
            read.append(sql)
            elsewhere(lambda: deposit(account, D(1), "USD", key=new_id().hex, now=NOW))
        return result

    with connection.execute_wrapper(watch):
        yield read


@pytest.fixture
def account(client: Client) -> Account:
    account = funded("1000")
    for number in range(3):
        deposit(account, D(number + 1), "USD", key=new_id().hex, now=NOW)
    client.force_login(account.user)
    return account


def assert_booked_meanwhile(account: Account, read: list[str], statements: int) -> None:
    assert len(read) >= statements
    assert cash(account) == 1006 + len(read)


@pytest.mark.parametrize("asked", [{}, {"kind": "deposit"}, {"from": NOW.date().isoformat()}])
def test_the_page_adds_up(client, account, asked):
    with booking_after_each_read(account) as read:
        told = client.get("/account", asked).context
    assert_booked_meanwhile(account, read, 2)
    statement, lines = told["statement"], told["lines"]
    assert lines[0].balance == statement.closing == statement.opening + statement.listed
    assert sum(line.entry.amount for line in lines) == statement.movements


@pytest.mark.parametrize("days", [{}, {"from": NOW.date().isoformat()}])
def test_the_file_adds_up(client, account, days):
    address = f"/api/v1/accounts/{account.id}/statement"
    with booking_after_each_read(account) as read:
        text = client.get(address, {**days, "format": "csv"}).getvalue().decode()
    assert_booked_meanwhile(account, read, 2)
    opening, *lines, closing = csv.DictReader(io.StringIO(text, newline=""))
    assert lines[-1]["balance"] == closing["balance"]
    assert sum(D(line["amount"]) for line in lines) == D(closing["amount"])
    assert D(opening["balance"]) + D(closing["amount"]) == D(closing["balance"])


def test_the_api_adds_up(client, account):
    with booking_after_each_read(account) as read:
        told = client.get(f"/api/v1/accounts/{account.id}/statement").json()
    assert_booked_meanwhile(account, read, 2)
    assert told["lines"][-1]["balance"] == told["closing"]
    assert sum(D(line["amount"]) for line in told["lines"]) == D(told["movements"])
    assert told["listed"] == told["movements"]


def test_a_moment_is_its_first_statement_s_and_ends(account):
    with one_moment():
        assert cash(account) == 1006
        elsewhere(lambda: deposit(account, D(1), "USD", key=new_id().hex, now=NOW))
        assert cash(account) == 1006
    assert cash(account) == 1007
    with transaction.atomic():
        deposit(account, D(1), "USD", key=new_id().hex, now=NOW)
    assert cash(account) == 1008


def test_in_a_transaction_of_one_s_own_it_changes_nothing(account):
    with transaction.atomic(), one_moment():
        deposit(account, D(1), "USD", key=new_id().hex, now=NOW)
    assert cash(account) == 1007
