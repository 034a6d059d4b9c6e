"""Instruments over HTTP: the list, the quote of one, its bars; and when the markets trade."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.response import Response
from rest_framework.views import APIView

from bengi import clock
from bengi.answers import created
from bengi.errors import Forbidden
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.listing import CsvForm, answer, wants_csv
from bengi.schema.operation import operation
from bengi.schema.shapes import Page
from instruments import shapes
from instruments.calendar import MICS
from instruments.corporate_actions import action_shape, actions_of
from instruments.listing import list_instrument
from instruments.models import Instrument
from instruments.movers import KINDS, market_at
from instruments.quotes import Tick
from instruments.selectors import instrument_by_symbol, instruments_matching, latest_quotes
from instruments.serializers import (
    BAR_COLUMNS,
    ActionsInput,
    BarsInput,
    InstrumentsInput,
    MoversInput,
    NewInstrumentInput,
    SearchInput,
    bar_line,
    bar_shape,
    instrument_shape,
    market_shape,
    movers_shape,
    quote_shape,
)
from instruments.series import Wanted, read_indicated

BookQuotes = Callable[[Iterable[Instrument], datetime], dict[str, Tick]]
"""Quotes of instruments without a feed, from the orders of their own customers."""


class InstrumentsView(APIView):
    """Everything that can be traded, by symbol; or what a search finds. Staff add to it."""

    @operation("List instruments", query=InstrumentsInput, answers=Page[shapes.Instrument])
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(InstrumentsInput, request.query_params)
        if query["q"]:
            return _matches(query["q"], query["limit"])
        wanted = {name: query[name] for name in ("mic", "type", "currency", "status")}
        found = Instrument.objects.filter(**{k: v for k, v in wanted.items() if v is not None})
        return answer(request, found, query, shape=instrument_shape)

    @operation(
        "List an instrument",
        body=NewInstrumentInput,
        answers=shapes.Instrument,
        status=201,
        refuses=("already_listed",),
    )
    def post(self, request: ApiRequest) -> Response:
        check_permission(request, "instruments.add_instrument")
        values = read_body(NewInstrumentInput, request.data)
        values["symbol"] = values["symbol"].upper()
        listed = list_instrument(values, by=request.user, now=clock.now())
        return created(instrument_shape(listed), f"instruments/{listed.symbol}")


class SearchView(APIView):
    """What somebody may mean: the symbol itself, symbols that begin so, names that hold it."""

    @operation("Search instruments", query=SearchInput, answers=Page[shapes.Instrument])
    def get(self, request: ApiRequest) -> Response:
        query = read_query(SearchInput, request.query_params)
        return _matches(query["q"], query["limit"])


class InstrumentView(APIView):
    """One instrument."""

    @operation("Get an instrument", answers=shapes.Instrument)
    def get(self, request: ApiRequest, symbol: str) -> Response:
        read_query(Input, request.query_params)
        return Response(instrument_shape(instrument_by_symbol(symbol)))


def check_permission(request: ApiRequest, permission: str) -> None:
    """Raise Forbidden unless who asks may change what can be traded."""
    if not request.user.has_perm(permission):
        raise Forbidden("forbidden", "Only who may list instruments changes them.")


def _matches(text: str, limit: int) -> Response:
    found = instruments_matching(text, limit)
    return Response({"results": [instrument_shape(each) for each in found], "next": None})


class MarketsView(APIView):
    """Every exchange: what it does now, and when that changes."""

    @operation("List markets", answers=Page[shapes.Market])
    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        now = clock.now()
        markets = [market_shape(mic, now, settings.MARKET_HOURS) for mic in MICS]
        return Response({"results": markets, "next": None})


class MoversView(APIView):
    """What rises and falls most, what is traded most, and how many do which."""

    @operation("List movers", query=MoversInput, answers=shapes.Movers)
    def get(self, request: ApiRequest) -> Response:
        query = read_query(MoversInput, request.query_params)
        now = clock.now()
        market = market_at(now, query["mic"])
        kinds = KINDS if query["kind"] is None else (query["kind"],)
        return Response(movers_shape(market, kinds, query["limit"], now))


class QuoteView(APIView):
    """What the market offers now for one symbol."""

    book_quotes: BookQuotes | None = None

    @operation("Get a quote", answers=shapes.Quote)
    def get(self, request: ApiRequest, symbol: str) -> Response:
        read_query(Input, request.query_params)
        now = clock.now()
        instrument = instrument_by_symbol(symbol)
        ticks = latest_quotes([instrument], now)
        if self.book_quotes and not instrument.has_feed:
            ticks |= self.book_quotes([instrument], now)
        return Response(quote_shape(instrument, ticks.get(instrument.symbol), now))


class CorporateActionsView(APIView):
    """The splits and dividends of one symbol that have been agreed on, newest ex-date first."""

    @operation("List corporate actions", query=ActionsInput, answers=Page[shapes.CorporateAction])
    def get(self, request: ApiRequest, symbol: str) -> Response | HttpResponse:
        query = read_query(ActionsInput, request.query_params)
        return answer(request, actions_of(instrument_by_symbol(symbol)), query, shape=action_shape)


class BarsView(APIView):
    """The bars of one symbol, oldest first, with indicators."""

    @operation("List bars", query=BarsInput, answers=shapes.Bars, csv=True)
    def get(self, request: ApiRequest, symbol: str) -> Response | HttpResponse:
        query = read_query(BarsInput, request.query_params)
        instrument = instrument_by_symbol(symbol)
        asked = query["indicators"]
        found = read_indicated(instrument, _wanted(query), asked)
        told = [bar_shape(bar, indicators) for bar, indicators in found]
        if wants_csv(request, query):
            columns = [*BAR_COLUMNS, *(name for each in asked for name in each.columns)]
            name = f"{instrument.symbol}-{query['interval']}"
            return CsvForm(name, columns, lambda shape: (bar_line(shape),)).answer(told)
        head = {"symbol": instrument.symbol, "interval": query["interval"]}
        return Response({**head, "results": told})


def _wanted(query: Mapping[str, Any]) -> Wanted:
    return Wanted(
        query["interval"],
        clock.now(),
        limit=query["limit"],
        start=query["start"],
        end=query["end"],
        is_filled=query["gaps"] == "fill",
    )
