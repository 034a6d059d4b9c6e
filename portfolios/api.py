"""Portfolios over HTTP."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.views import APIView

from bengi import clock
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.pagination import page
from bengi.terms import CostBasisMethod
from portfolios.holding_period import HoldingPeriod
from portfolios.selectors import lots_of, portfolio_of, positions_of
from portfolios.serializers import (
    LotsInput,
    PortfolioInput,
    lot_shape,
    portfolio_shape,
    position_shape,
)
from portfolios.services import set_cost_basis_method


class PortfolioView(APIView):
    """One portfolio; a PATCH sets the method by which its later sales close lots."""

    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(portfolio_shape(portfolio_of(request.user, portfolio_id)))

    def patch(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        values = read_body(PortfolioInput, request.data)
        method = CostBasisMethod(values["cost_basis_method"])
        now = clock.now()
        portfolio = set_cost_basis_method(portfolio_id, request.user, method, now=now)
        return Response(portfolio_shape(portfolio))


class PositionsView(APIView):
    """What a portfolio holds, by symbol. As many as there are instruments: always one page."""

    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        read_query(Input, request.query_params)
        held = positions_of(portfolio_of(request.user, portfolio_id))
        return Response({"results": [position_shape(holding) for holding in held], "next": None})


class LotsView(APIView):
    """A portfolio's tax lots, oldest first, each with the sales that closed some of it."""

    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        query = read_query(LotsInput, request.query_params)
        portfolio = portfolio_of(request.user, portfolio_id)
        is_closed = query["closed"] == "true"
        now = clock.now()
        return Response(
            page(
                lots_of(portfolio, symbol=query["symbol"], is_closed=is_closed),
                by=("opened_at", "id"),
                limit=query["limit"],
                cursor=query["cursor"],
                shape=lambda lot: lot_shape(lot, HoldingPeriod.of(lot, now)),
            )
        )
