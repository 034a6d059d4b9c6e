"""Accounts over HTTP, and the event log behind their streams."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.conversions import convert
from accounts.payloads import posted_shape
from accounts.selectors import (
    account_of,
    accounts_of,
    rates_at,
    transactions_of,
    with_unsettled,
)
from accounts.serializers import (
    AccountInput,
    ConvertInput,
    EventsInput,
    MoveInput,
    StatementInput,
    account_shape,
    idempotency_key,
    rate_shape,
)
from accounts.services import Receipt, deposit, set_realism, withdraw
from accounts.statement import read_statement, statement_csv, statement_shape
from bengi import clock
from bengi.errors import NotFound
from bengi.events.selectors import events_after
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.pagination import PageInput, page
from bengi.realtime.protocol import account_message
from bengi.terms import Realism


class AccountsView(APIView):
    """The user's accounts, oldest first, with cash and portfolios."""

    def get(self, request: ApiRequest) -> Response:
        query = read_query(PageInput, request.query_params)
        now = clock.now()
        accounts = with_unsettled(accounts_of(request.user), now)
        shape = partial(account_shape, now=now)
        return Response(page(accounts, by=("id",), shape=shape, **query))


class AccountView(APIView):
    """One account; a PATCH sets how the street trades with its next orders."""

    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(self._shape(request, account_id))

    def patch(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        realism = Realism(read_body(AccountInput, request.data)["realism"])
        set_realism(account.id, realism, by=request.user, now=clock.now())
        return Response(self._shape(request, account_id))

    def _shape(self, request: ApiRequest, account_id: UUID) -> dict[str, Any]:
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
            return Response(receipt.body, headers={"Idempotency-Replayed": "true"})
        return Response(receipt.body, status=status.HTTP_201_CREATED)


class DepositView(_MoneyView):
    """Play money comes in."""

    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(MoveInput, request.data)
        now = clock.now()
        return self.answer(request, lambda key: deposit(account, **values, key=key, now=now))


class WithdrawView(_MoneyView):
    """Settled cash that no open order holds goes out."""

    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(MoveInput, request.data)
        now = clock.now()
        return self.answer(request, lambda key: withdraw(account.id, **values, key=key, now=now))


class ConvertView(_MoneyView):
    """One currency becomes another, at the house's rate."""

    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        values = read_body(ConvertInput, request.data)
        pair, now = (values["from"], values["to"]), clock.now()
        return self.answer(
            request,
            lambda key: convert(account.id, *pair, values["amount"], key=key, now=now),
        )


class StatementView(APIView):
    """Opening, every movement with the balance after it, closing; as JSON or as a CSV file."""

    def get(self, request: ApiRequest, account_id: UUID) -> Response | HttpResponse:
        account = account_of(request.user, account_id)
        query = read_query(StatementInput, request.query_params)
        currency = query["currency"] or account.base_currency
        statement = read_statement(account, currency, query["from"], query["to"])
        if query["format"] == "json":
            return Response(statement_shape(statement))
        file = HttpResponse(statement_csv(statement), content_type="text/csv; charset=utf-8")
        file["Content-Disposition"] = f'attachment; filename="statement-{currency}.csv"'
        return file


class TransactionsView(APIView):
    """The account's ledger transactions, newest first."""

    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        query = read_query(PageInput, request.query_params)
        found = transactions_of(account)
        return Response(page(found, by=("-id",), shape=posted_shape, **query))


class RatesView(APIView):
    """The rates in force for conversions: the newest of each pair."""

    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        return Response({"results": [rate_shape(rate) for rate in rates_at(clock.now())]})


class EventsView(APIView):
    """What happened in one account after a seq: the very messages of the socket."""

    def get(self, request: ApiRequest) -> Response:
        query = read_query(EventsInput, request.query_params)
        account_id, limit = query["account"], query["limit"]
        if not accounts_of(request.user).filter(id=account_id).exists():
            raise NotFound
        events = events_after(account_id, query["after"], limit + 1)
        return Response(
            {
                "results": [account_message(account_id, event) for event in events[:limit]],
                "next": str(events[limit - 1].seq) if len(events) > limit else None,
            }
        )
