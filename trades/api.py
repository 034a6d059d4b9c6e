"""Trades over HTTP: everybody's own to read, and the staff desk that executes and corrects."""

from typing import Any
from uuid import UUID

from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.serializers import idempotency_key
from bengi import clock
from bengi.errors import Forbidden
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.pagination import page
from portfolios.selectors import closings_of
from portfolios.serializers import closing_shape
from trades.corrections import CORRECT, approve, ask_adjust, ask_bust, decline
from trades.explaining import explain
from trades.manual import ManualFill, execute
from trades.payloads import correction_payload
from trades.selectors import corrections, trade_of, trades_of
from trades.serializers import (
    AdjustInput,
    BustInput,
    CorrectionsInput,
    ExecuteInput,
    TradesInput,
    explanation_shape,
    trade_shape,
)


class TradesView(APIView):
    """The user's trades, newest first."""

    def get(self, request: ApiRequest) -> Response:
        query = read_query(TradesInput, request.query_params)
        trades = trades_of(request.user)
        if query["symbol"]:
            trades = trades.filter(instrument__symbol=query["symbol"].upper())
        if query["side"]:
            trades = trades.filter(side=query["side"])
        if query["order"]:
            trades = trades.filter(order_id=query["order"])
        return Response(
            page(
                trades,
                by=("-exec_id",),
                limit=query["limit"],
                cursor=query["cursor"],
                shape=trade_shape,
            )
        )


class TradeView(APIView):
    """One trade; a sale with the lots it closed, the bust of one with those it opened again."""

    def get(self, request: ApiRequest, exec_id: UUID) -> Response:
        read_query(Input, request.query_params)
        trade = trade_of(request.user, exec_id)
        closings = [closing_shape(each, each.lot) for each in closings_of([trade.exec_id])]
        return Response({**trade_shape(trade), "closings": closings})


class ExplainView(APIView):
    """What became of an order and why, and why an open one has not filled."""

    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(explanation_shape(explain(request.user, order_id, now=clock.now())))


class ExecuteView(APIView):
    """Fill an open order by hand: for staff who may, once for each Idempotency-Key."""

    def post(self, request: ApiRequest) -> Response:
        key = idempotency_key(request.headers.get("Idempotency-Key"))
        wanted = ManualFill(**read_body(ExecuteInput, request.data))
        done = execute(request.user, wanted, key=key, now=clock.now())
        if done.replayed:
            return Response(done.body, headers={"Idempotency-Replayed": "true"})
        return Response(done.body, status=status.HTTP_201_CREATED)


class BustView(APIView):
    """Ask for a trade to be taken back; somebody else has to approve it."""

    def post(self, request: ApiRequest, exec_id: UUID) -> Response:
        values = read_body(BustInput, request.data)
        row = ask_bust(request.user, exec_id, **values, now=clock.now())
        return Response(correction_payload(row), status=status.HTTP_201_CREATED)


class AdjustView(APIView):
    """Ask for a trade to be booked anew with other terms; somebody else has to approve it."""

    def post(self, request: ApiRequest, exec_id: UUID) -> Response:
        values = read_body(AdjustInput, request.data)
        row = ask_adjust(request.user, exec_id, **values, now=clock.now())
        return Response(correction_payload(row), status=status.HTTP_201_CREATED)


class CorrectionsView(APIView):
    """What staff have asked for, newest first, for those who may decide."""

    def get(self, request: ApiRequest) -> Response:
        if not request.user.has_perm(CORRECT):
            raise Forbidden("forbidden", "Only who may correct trades sees corrections.")
        query = read_query(CorrectionsInput, request.query_params)
        found = corrections(query.pop("outcome"))
        return Response(page(found, by=("-id",), shape=correction_payload, **query))


class ApproveView(APIView):
    """Book a correction that a colleague has asked for."""

    def post(self, request: ApiRequest, correction_id: UUID) -> Response:
        read_body(Input, request.data)
        return _decided(approve(correction_id, request.user, now=clock.now()))


class DeclineView(APIView):
    """Decide against a correction."""

    def post(self, request: ApiRequest, correction_id: UUID) -> Response:
        read_body(Input, request.data)
        return _decided(decline(correction_id, request.user, now=clock.now()))


def _decided(row: Any) -> Response:
    return Response(correction_payload(row))
