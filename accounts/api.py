"""Accounts over HTTP, and the event log behind their streams."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import shapes
from accounts.conversions import convert, offer, offer_shape
from accounts.payloads import posted_shape
from accounts.selectors import (
    account_of,
    accounts_of,
    rates_at,
    stream_of,
    transactions_of,
    with_unsettled,
)
from accounts.serializers import (
    TRANSACTIONS_FILE,
    AccountInput,
    AccountsInput,
    ConvertInput,
    ConvertPreviewInput,
    EventsInput,
    MoveInput,
    StatementInput,
    TransactionsInput,
    account_shape,
    idempotency_key,
    rate_shape,
)
from accounts.services import Receipt, change_account, deposit, withdraw
from accounts.statement import read_statement, statement_csv, statement_shape
from bengi import clock
from bengi.answers import created, replayed
from bengi.csv_files import WrittenFile, csv_of_file, written
from bengi.errors import NotFound
from bengi.events.selectors import events_after
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.listing import answer, in_days
from bengi.moments import one_moment
from bengi.realtime.protocol import account_message, user_message
from bengi.schema.operation import Key, operation
from bengi.schema.shapes import Listing, Page
from bengi.terms import AccountStatus


class AccountsView(APIView):
    """The user's accounts, oldest first, with cash and portfolios."""

    @operation("List accounts", query=AccountsInput, answers=Page[shapes.Account])
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(AccountsInput, request.query_params)
        now = clock.now()
        accounts = with_unsettled(accounts_of(request.user), now)
        is_closed = Q(status=AccountStatus.CLOSED)
        if query["status"] != "all":
            accounts = accounts.filter(is_closed if query["status"] == "closed" else ~is_closed)
        return answer(request, accounts, query, shape=partial(account_shape, now=now))


class AccountView(APIView):
    """One account; a PATCH renames it, or sets how the street trades with its next orders."""

    @operation("Get an account", answers=shapes.Account)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(whole_account(request, account_id))

    @operation("Change an account", body=AccountInput, answers=shapes.Account)
    def patch(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(AccountInput, request.data)
        change_account(account.id, by=request.user, now=clock.now(), **values)
        return Response(whole_account(request, account_id))


def whole_account(request: ApiRequest, account_id: UUID) -> dict[str, Any]:
    """Return an account of the user's as it is now. Raises NotFound."""
    now = clock.now()
    account = with_unsettled(accounts_of(request.user), now).filter(id=account_id).first()
    if account is None:
        raise NotFound
    return account_shape(account, now)


class _MoneyView(APIView):
    """A movement of money of one account: done once for each Idempotency-Key."""

    def answer(self, request: ApiRequest, move: Callable[[str], Receipt]) -> Response:
        """Return 201 with what was done, 200 with the same when the key had done it before."""
        receipt = move(idempotency_key(request.headers.get("Idempotency-Key")))
        if receipt.replayed:
            return replayed(receipt.body)
        return created(receipt.body)


class DepositView(_MoneyView):
    """Play money comes in."""

    @operation(
        "Deposit money",
        body=MoveInput,
        answers=shapes.Movement,
        status=201,
        key=Key.REQUIRED,
        refuses=shapes.MOVING_MONEY,
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(MoveInput, request.data)
        now = clock.now()
        return self.answer(request, lambda key: deposit(account, **values, key=key, now=now))


class WithdrawView(_MoneyView):
    """Settled cash that no open order holds goes out."""

    @operation(
        "Withdraw money",
        body=MoveInput,
        answers=shapes.Movement,
        status=201,
        key=Key.REQUIRED,
        refuses=shapes.TAKING_MONEY,
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(MoveInput, request.data)
        now = clock.now()
        return self.answer(request, lambda key: withdraw(account.id, **values, key=key, now=now))


class ConvertView(_MoneyView):
    """One currency becomes another, at the house's rate."""

    @operation(
        "Convert money",
        body=ConvertInput,
        answers=shapes.Exchange,
        status=201,
        key=Key.REQUIRED,
        refuses=(*shapes.TAKING_MONEY, "max_balance", "no_fx_rate", "rate_changed"),
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(ConvertInput, request.data)
        asked = (values["from"], values["to"], values["amount"])
        wanted, now = values["target_amount"], clock.now()
        return self.answer(
            request,
            lambda key: convert(account.id, *asked, target_amount=wanted, key=key, now=now),
        )


class ConvertPreviewView(APIView):
    """What a conversion would give, and at which rate; nothing is done."""

    @operation(
        "Preview a conversion",
        body=ConvertPreviewInput,
        answers=shapes.Offer,
        refuses=(*shapes.TAKING_MONEY, "no_fx_rate"),
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(ConvertPreviewInput, request.data)
        asked = (values["from"], values["to"], values["amount"])
        return Response(offer_shape(offer(account, *asked, now=clock.now())))


class StatementView(APIView):
    """Opening, every movement with the balance after it, closing; as JSON or as a CSV file."""

    @operation("Get a statement", query=StatementInput, answers=shapes.Statement, csv=True)
    def get(self, request: ApiRequest, account_id: UUID) -> Response | WrittenFile:
        account = account_of(request.user, account_id)
        query = read_query(StatementInput, request.query_params)
        currency = query["currency"] or account.base_currency
        days = query["from"], query["to"]
        with one_moment():
            statement = read_statement(account, currency, *days, kind=query["kind"])
            if query["format"] == "json":
                return Response(statement_shape(statement))
            file = written(statement_csv(statement))
        return csv_of_file(file, f"statement-{currency}")


class TransactionsView(APIView):
    """The account's ledger transactions, newest first; as JSON or as a CSV file."""

    @operation(
        "List transactions", query=TransactionsInput, answers=Page[shapes.Transaction], csv=True
    )
    def get(self, request: ApiRequest, account_id: UUID) -> Response | HttpResponse:
        account = account_of(request.user, account_id)
        query = read_query(TransactionsInput, request.query_params)
        found = transactions_of(account, kind=query["kind"], currency=query["currency"])
        found = in_days(found, "occurred_at", query)
        return answer(request, found, query, shape=posted_shape, form=TRANSACTIONS_FILE)


class RatesView(APIView):
    """The rates in force for conversions: the newest of each pair."""

    @operation("List exchange rates", answers=Listing[shapes.FxRate])
    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        return Response({"results": [rate_shape(rate) for rate in rates_at(clock.now())]})


class EventsView(APIView):
    """What happened in one account, or to one person, after a seq: the messages of the socket."""

    @operation(
        "List events", query=EventsInput, answers=Page[shapes.Message], refuses=("not_found",)
    )
    def get(self, request: ApiRequest) -> Response:
        query = read_query(EventsInput, request.query_params)
        is_own, limit = query["of"] == "user", query["limit"]
        stream = request.user.pk if is_own else stream_of(request.user, query["account"])
        message = user_message if is_own else account_message
        events = events_after(stream, query["after"], limit + 1)
        return Response(
            {
                "results": [message(stream, event) for event in events[:limit]],
                "next": str(events[limit - 1].seq) if len(events) > limit else None,
            }
        )
