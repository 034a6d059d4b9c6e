"""Trades over HTTP: everybody's own to read, and the staff desk that executes and corrects."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.selectors import account_of, stream_of
from accounts.serializers import idempotency_key
from bengi import clock
from bengi.answers import created, replayed
from bengi.errors import Forbidden, Malformed
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.listing import answer
from bengi.schema.operation import Key, operation
from bengi.schema.shapes import Page
from instruments import api as instruments_api
from instruments import shapes as instruments_shapes
from instruments.selectors import instrument_by_symbol
from instruments.serializers import instrument_shape
from orders.selectors import order_of
from portfolios.selectors import closings_of
from portfolios.serializers import closing_shape
from trades import shapes
from trades.corrections import CORRECT, approve, ask_adjust, ask_bust, decline
from trades.explaining import explain
from trades.listings import correct_listing
from trades.manual import ManualFill, execute
from trades.payloads import correction_payload
from trades.period import read_period_statement, statement_of_period_shape
from trades.selectors import corrections, trade_of, trades_of, trades_where
from trades.serializers import (
    TRADES_FILE,
    AdjustInput,
    BustInput,
    CorrectionsInput,
    ExecuteInput,
    ListingInput,
    OrderTradesInput,
    PeriodInput,
    SummaryInput,
    TradesInput,
    explanation_shape,
    trade_shape,
)
from trades.summary import DAYS_MAX, Period, summarize, summary_shape


class TradesView(APIView):
    """The user's trades, newest first."""

    @operation("List trades", query=TradesInput, answers=Page[shapes.Trade], csv=True)
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(TradesInput, request.query_params)
        found = trades_where(request.user, query)
        return answer(request, found, query, shape=trade_shape, form=TRADES_FILE)


class OrderTradesView(APIView):
    """The trades of one order, oldest first, with busts and corrections."""

    @operation(
        "List the trades of an order",
        query=OrderTradesInput,
        answers=Page[shapes.Trade],
        csv=True,
    )
    def get(self, request: ApiRequest, order_id: UUID) -> Response | HttpResponse:
        query = read_query(OrderTradesInput, request.query_params)
        found = trades_of(request.user).filter(order=order_of(request.user, order_id))
        return answer(request, found, query, shape=trade_shape, form=TRADES_FILE)


class TradesSummaryView(APIView):
    """What trading in an account has come to: in all, by symbol and by period."""

    @operation(
        "Get the summary of trades",
        query=SummaryInput,
        answers=shapes.TradesSummary,
        refuses=("not_found",),
    )
    def get(self, request: ApiRequest) -> Response:
        query = read_query(SummaryInput, request.query_params)
        account_id = stream_of(request.user, query["account"])
        until = query["to"] or clock.now().date()
        since = query["from"] or until - timedelta(days=DAYS_MAX - 1)
        if (until - since).days >= DAYS_MAX:
            detail = f"Ask for at most {DAYS_MAX} days."
            raise Malformed("invalid_parameter", detail, field="from", limit=DAYS_MAX)
        period = Period(query["period"])
        return Response(summary_shape(summarize(account_id, since, until, period)))


class PeriodStatementView(APIView):
    """All of an account in some days: cash by currency, trades, what sales made."""

    @operation(
        "Get the statement of a period",
        query=PeriodInput,
        answers=shapes.PeriodStatement,
        refuses=("not_found",),
    )
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        account = account_of(request.user, account_id)
        query = read_query(PeriodInput, request.query_params)
        until = query["to"] or clock.now().date()
        since = query["from"] or until.replace(day=1)
        return Response(statement_of_period_shape(read_period_statement(account, since, until)))


class TradeView(APIView):
    """One trade; a sale with the lots it closed, the bust of one with those it opened again."""

    @operation("Get a trade", answers=shapes.TradeWithClosings)
    def get(self, request: ApiRequest, exec_id: UUID) -> Response:
        read_query(Input, request.query_params)
        trade = trade_of(request.user, exec_id)
        closings = [closing_shape(each, each.lot) for each in closings_of([trade.exec_id])]
        return Response({**trade_shape(trade), "closings": closings})


class ExplainView(APIView):
    """What became of an order and why, and why an open one has not filled."""

    @operation("Explain an order", answers=shapes.Explanation)
    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(explanation_shape(explain(request.user, order_id, now=clock.now())))


class ExecuteView(APIView):
    """Fill an open order by hand: for staff who may, once for each Idempotency-Key."""

    @operation(
        "Execute an order by hand",
        body=ExecuteInput,
        answers=shapes.TradeTold,
        status=201,
        key=Key.REQUIRED,
        refuses=shapes.EXECUTING,
    )
    def post(self, request: ApiRequest) -> Response:
        key = idempotency_key(request.headers.get("Idempotency-Key"))
        wanted = ManualFill(**read_body(ExecuteInput, request.data))
        done = execute(request.user, wanted, key=key, now=clock.now())
        if done.replayed:
            return replayed(done.body)
        return created(done.body)


class BustView(APIView):
    """Ask for a trade to be taken back; somebody else has to approve it."""

    @operation(
        "Ask for a bust",
        body=BustInput,
        answers=shapes.Correction,
        status=201,
        refuses=shapes.IN_THE_WAY,
    )
    def post(self, request: ApiRequest, exec_id: UUID) -> Response:
        values = read_body(BustInput, request.data)
        row = ask_bust(request.user, exec_id, **values, now=clock.now())
        return created(correction_payload(row))


class AdjustView(APIView):
    """Ask for a trade to be booked anew with other terms; somebody else has to approve it."""

    @operation(
        "Ask for an adjustment",
        body=AdjustInput,
        answers=shapes.Correction,
        status=201,
        refuses=shapes.ADJUSTING,
    )
    def post(self, request: ApiRequest, exec_id: UUID) -> Response:
        values = read_body(AdjustInput, request.data)
        row = ask_adjust(request.user, exec_id, **values, now=clock.now())
        return created(correction_payload(row))


class CorrectionsView(APIView):
    """What staff have asked for, newest first, for those who may decide."""

    @operation("List corrections", query=CorrectionsInput, answers=Page[shapes.Correction])
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        if not request.user.has_perm(CORRECT):
            raise Forbidden("forbidden", "Only who may correct trades sees corrections.")
        query = read_query(CorrectionsInput, request.query_params)
        found = corrections(query["outcome"])
        return answer(request, found, query, shape=correction_payload)


class ApproveView(APIView):
    """Book a correction that a colleague has asked for."""

    @operation(
        "Approve a correction", body=Input, answers=shapes.Correction, refuses=shapes.APPROVING
    )
    def post(self, request: ApiRequest, correction_id: UUID) -> Response:
        read_body(Input, request.data)
        return _decided(approve(correction_id, request.user, now=clock.now()))


class DeclineView(APIView):
    """Decide against a correction."""

    @operation(
        "Decline a correction", body=Input, answers=shapes.Correction, refuses=shapes.DECIDING
    )
    def post(self, request: ApiRequest, correction_id: UUID) -> Response:
        read_body(Input, request.data)
        return _decided(decline(correction_id, request.user, now=clock.now()))


def _decided(row: Any) -> Response:
    return Response(correction_payload(row))


class InstrumentView(instruments_api.InstrumentView):
    """One instrument; a PUT corrects it, where no order stands on what changes."""

    @operation(
        "Correct an instrument",
        body=ListingInput,
        answers=instruments_shapes.Instrument,
        refuses=("instrument_in_use", "instrument_delisted"),
    )
    def put(self, request: ApiRequest, symbol: str) -> Response:
        instruments_api.check_permission(request, "instruments.change_instrument")
        values = read_body(ListingInput, request.data)
        instrument = instrument_by_symbol(symbol)
        told = {"status": values.pop("status"), "reason": values.pop("reason")}
        changed = correct_listing(instrument, values, by=request.user, now=clock.now(), **told)
        return Response(instrument_shape(changed))
