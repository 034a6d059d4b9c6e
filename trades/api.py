"""Trades over HTTP, and why an order came to them."""

from typing import Any
from uuid import UUID

from rest_framework.response import Response
from rest_framework.views import APIView

from bengi import clock
from bengi.inputs import ApiRequest, Input, read_query
from bengi.pagination import page
from portfolios.selectors import closings_of
from portfolios.serializers import closing_shape
from trades.explaining import explain
from trades.models import Trade
from trades.payloads import trade_payload
from trades.selectors import trade_of, trades_of
from trades.serializers import TradesInput, explanation_shape


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
                shape=_shape,
            )
        )


class TradeView(APIView):
    """One trade; a sale with the lots it closed."""

    def get(self, request: ApiRequest, exec_id: UUID) -> Response:
        read_query(Input, request.query_params)
        trade = trade_of(request.user, exec_id)
        closings = [closing_shape(each, each.lot) for each in closings_of([trade.exec_id])]
        return Response({**_shape(trade), "closings": closings})


class ExplainView(APIView):
    """What became of an order and why, and why an open one has not filled."""

    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(explanation_shape(explain(request.user, order_id, now=clock.now())))


def _shape(trade: Trade) -> dict[str, Any]:
    return trade_payload(trade, trade.instrument.symbol)
