"""Portfolios and what they hold over HTTP, and accounts that are opened with a first one."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import api as accounts_api
from accounts import shapes as accounts_shapes
from accounts.models import Account
from accounts.selectors import account_of, open_accounts_of
from accounts.serializers import OpenAccountInput, idempotency_key
from bengi import clock
from bengi.answers import created, replayed
from bengi.errors import Malformed, NotFound
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.listing import answer, wants_csv
from bengi.schema.operation import Key, operation
from bengi.schema.shapes import Page
from instruments.models import Instrument
from instruments.selectors import instrument_by_symbol
from portfolios import shapes
from portfolios.composition import composition_shape
from portfolios.history import DAYS_MAX, history_of, history_shape
from portfolios.holding_period import HoldingPeriod
from portfolios.kept import Span
from portfolios.performance import performance_of, performance_shape
from portfolios.selectors import (
    Holding,
    holding_of,
    lots_of,
    open_portfolios_of,
    portfolio_of,
    portfolios_of,
    positions_of,
)
from portfolios.serializers import (
    LOTS_FILE,
    PERFORMANCE_FILE,
    POSITIONS_FILE,
    HistoryInput,
    LotsInput,
    OpenPortfolioInput,
    PerformanceInput,
    PortfolioChangesInput,
    PortfolioInput,
    PortfoliosInput,
    PositionsInput,
    lot_shape,
    portfolio_shape,
    position_shape,
    sorted_holdings,
)
from portfolios.services import (
    PaperAccount,
    change_portfolio,
    delete_portfolio,
    open_paper_account,
    open_portfolio,
)
from portfolios.summary import summary_of, summary_shape

HISTORY_DAYS = 30


class AccountsView(accounts_api.AccountsView):
    """The user's accounts; a POST opens another one, with a portfolio to trade in."""

    @operation(
        "Open an account",
        body=OpenAccountInput,
        answers=accounts_shapes.Account,
        status=201,
        key=Key.REQUIRED,
        refuses=accounts_shapes.OPENING,
    )
    def post(self, request: ApiRequest) -> Response:
        key = idempotency_key(request.headers.get("Idempotency-Key"))
        asked = PaperAccount(**read_body(OpenAccountInput, request.data))
        receipt = open_paper_account(request.user, asked, key=key, now=clock.now())
        account_id = UUID(receipt.body["account_id"])
        body = accounts_api.whole_account(request, account_id)
        if receipt.replayed:
            return replayed(body)
        return created(body, f"accounts/{account_id}")


class PortfoliosView(APIView):
    """The user's portfolios, oldest first; a POST adds one."""

    @operation(
        "List portfolios",
        query=PortfoliosInput,
        answers=Page[shapes.Portfolio],
        refuses=("not_found",),
    )
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(PortfoliosInput, request.query_params)
        if query["account"] is None:
            found = open_portfolios_of(request.user)
        else:
            account = account_of(request.user, query["account"])
            found = portfolios_of(request.user).filter(account=account)
        return answer(request, found, query, shape=portfolio_shape)

    @operation(
        "Open a portfolio",
        body=OpenPortfolioInput,
        answers=shapes.Portfolio,
        status=201,
        refuses=("not_found", "account_frozen", "name_taken", "limit_reached"),
    )
    def post(self, request: ApiRequest) -> Response:
        values = read_body(OpenPortfolioInput, request.data)
        account = _account(request, values["account_id"])
        portfolio = open_portfolio(
            account, values["name"], values["cost_basis_method"], now=clock.now()
        )
        return created(portfolio_shape(portfolio), f"portfolios/{portfolio.id}")


class PortfolioView(APIView):
    """One portfolio: its name, and the method by which its later sales close lots."""

    @operation("Get a portfolio", answers=shapes.Portfolio)
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(portfolio_shape(portfolio_of(request.user, portfolio_id)))

    @operation(
        "Write a portfolio", body=PortfolioInput, answers=shapes.Portfolio, refuses=shapes.CHANGING
    )
    def put(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        return self._change(request, portfolio_id, PortfolioInput)

    @operation(
        "Change a portfolio",
        body=PortfolioChangesInput,
        answers=shapes.Portfolio,
        refuses=shapes.CHANGING,
    )
    def patch(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        return self._change(request, portfolio_id, PortfolioChangesInput)

    @operation(
        "Delete a portfolio",
        body=Input,
        answers=None,
        status=204,
        refuses=("account_frozen", "portfolio_in_use"),
    )
    def delete(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        read_body(Input, request.data)
        delete_portfolio(portfolio_id, request.user, now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: ApiRequest, portfolio_id: UUID, form: type[Input]) -> Response:
        values = read_body(form, request.data)
        portfolio = change_portfolio(portfolio_id, request.user, now=clock.now(), **values)
        return Response(portfolio_shape(portfolio))


class SummaryView(APIView):
    """What a portfolio is worth and has made, by position, by currency and in all."""

    @operation("Get the summary of a portfolio", answers=shapes.PortfolioSummary)
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        read_query(Input, request.query_params)
        portfolio = portfolio_of(request.user, portfolio_id)
        return Response(summary_shape(summary_of(portfolio, clock.now())))


class HistoryView(APIView):
    """What a portfolio was worth at the end of each day, oldest first."""

    @operation(
        "Get the history of a portfolio", query=HistoryInput, answers=shapes.PortfolioHistory
    )
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        query = read_query(HistoryInput, request.query_params)
        portfolio = portfolio_of(request.user, portfolio_id)
        today = clock.now().date()
        until = min(query["to"] or today, today)
        since = query["from"] or until - timedelta(days=HISTORY_DAYS - 1)
        if (until - since).days >= DAYS_MAX:
            detail = f"Ask for at most {DAYS_MAX} days."
            raise Malformed("invalid_parameter", detail, field="from", limit=DAYS_MAX)
        return Response(history_shape(history_of(portfolio, since, until)))


class PerformanceView(APIView):
    """How a portfolio did: returns, drawdown, months, each day's equity, a comparison."""

    @operation(
        "Get the performance of a portfolio",
        query=PerformanceInput,
        answers=shapes.PortfolioPerformance,
        csv=True,
    )
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response | HttpResponse:
        query = read_query(PerformanceInput, request.query_params)
        portfolio = portfolio_of(request.user, portfolio_id)
        span = Span(query["from"], query["to"])
        told = performance_of(portfolio, span, clock.now(), _benchmark(query["benchmark"]))
        shape = performance_shape(told)
        if wants_csv(request, query):
            return PERFORMANCE_FILE.answer(shape["results"])
        return Response(shape)


class AllocationView(APIView):
    """What a portfolio's equity is made of now: by instrument, by currency, by sector."""

    @operation("Get the allocation of a portfolio", answers=shapes.PortfolioAllocation)
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response:
        read_query(Input, request.query_params)
        portfolio = portfolio_of(request.user, portfolio_id)
        return Response(composition_shape(summary_of(portfolio, clock.now())))


class PositionsView(APIView):
    """What a portfolio holds. As many as there are instruments: always one page."""

    @operation("List positions", query=PositionsInput, answers=Page[shapes.Position], csv=True)
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response | HttpResponse:
        query = read_query(PositionsInput, request.query_params)
        held = positions_of(portfolio_of(request.user, portfolio_id))
        rows = sorted_holdings(_asked(held, query["symbol"]), query["ordering"])
        told = [position_shape(each) for each in rows]
        if wants_csv(request, query):
            return POSITIONS_FILE.answer(told)
        return Response({"results": told, "next": None})


class PositionView(APIView):
    """One position; it may be empty by now."""

    @operation("Get a position", answers=shapes.Position)
    def get(self, request: ApiRequest, position_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(position_shape(holding_of(request.user, position_id)))


class LotsView(APIView):
    """A portfolio's tax lots, oldest first, each with the sales that closed some of it."""

    @operation("List lots", query=LotsInput, answers=Page[shapes.Lot], csv=True)
    def get(self, request: ApiRequest, portfolio_id: UUID) -> Response | HttpResponse:
        query = read_query(LotsInput, request.query_params)
        portfolio = portfolio_of(request.user, portfolio_id)
        is_closed = query["closed"] == "true"
        now = clock.now()
        return answer(
            request,
            lots_of(portfolio, symbol=query["symbol"], is_closed=is_closed),
            query,
            shape=lambda lot: lot_shape(lot, HoldingPeriod.of(lot, now)),
            form=LOTS_FILE,
        )


def _asked(holdings: list[Holding], symbol: str | None) -> list[Holding]:
    if symbol is None:
        return holdings
    return [each for each in holdings if each.instrument.symbol == symbol.upper()]


def _benchmark(symbol: str | None) -> Instrument | None:
    if symbol is None:
        return None
    try:
        return instrument_by_symbol(symbol)
    except NotFound as error:
        raise Malformed("invalid_parameter", error.detail, field="benchmark") from error


def _account(request: ApiRequest, account_id: UUID | None) -> Account:
    """Return the account of the user's that is named, or the only one that is open."""
    if account_id is not None:
        return account_of(request.user, account_id)
    found = list(open_accounts_of(request.user).prefetch_related(None)[:2])
    if len(found) == 1:
        return found[0]
    detail = "Say which account." if found else "There is no open account."
    raise Malformed("invalid_field", detail, field="account_id")
