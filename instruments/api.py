"""Instruments over HTTP: the list, the quote of one, its bars; and when the markets trade."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework.response import Response
from rest_framework.views import APIView

from bengi import clock
from bengi.inputs import ApiRequest, Input, read_query
from bengi.pagination import PageInput, page
from instruments.calendar import MICS
from instruments.corporate_actions import action_shape, actions_of
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.selectors import bars, instrument_by_symbol, instruments_matching, latest_quotes
from instruments.serializers import (
    BarsInput,
    InstrumentsInput,
    bar_shape,
    instrument_shape,
    market_shape,
    quote_shape,
)

BookQuotes = Callable[[Iterable[Instrument], datetime], dict[str, Tick]]
"""Quotes of instruments without a feed, from the orders of their own customers."""


class InstrumentsView(APIView):
    """Everything that can be traded, by symbol; or what a search finds."""

    def get(self, request: ApiRequest) -> Response:
        query = read_query(InstrumentsInput, request.query_params)
        text, limit = query["q"], query["limit"]
        if text:
            found = instruments_matching(text, limit)
            return Response({"results": [instrument_shape(i) for i in found], "next": None})
        return Response(
            page(
                Instrument.objects.all(),
                by=("symbol", "mic"),
                limit=limit,
                cursor=query["cursor"],
                shape=instrument_shape,
            )
        )


class MarketsView(APIView):
    """Every exchange: what it does now, and when that changes."""

    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        now = clock.now()
        markets = [market_shape(mic, now, settings.MARKET_HOURS) for mic in MICS]
        return Response({"results": markets, "next": None})


class QuoteView(APIView):
    """What the market offers now for one symbol."""

    book_quotes: BookQuotes | None = None

    def get(self, request: ApiRequest, symbol: str) -> Response:
        read_query(Input, request.query_params)
        now = clock.now()
        instrument = instrument_by_symbol(symbol)
        ticks = latest_quotes([instrument])
        if self.book_quotes and not instrument.has_feed:
            ticks |= self.book_quotes([instrument], now)
        return Response(quote_shape(instrument, ticks.get(instrument.symbol), now))


class CorporateActionsView(APIView):
    """The splits and dividends of one symbol that have been agreed on, newest ex-date first."""

    def get(self, request: ApiRequest, symbol: str) -> Response:
        query = read_query(PageInput, request.query_params)
        return Response(
            page(
                actions_of(instrument_by_symbol(symbol)),
                by=("-ex_date", "-id"),
                limit=query["limit"],
                cursor=query["cursor"],
                shape=action_shape,
            )
        )


class BarsView(APIView):
    """The bars of one symbol, oldest first."""

    def get(self, request: ApiRequest, symbol: str) -> Response:
        query: dict[str, Any] = read_query(BarsInput, request.query_params)
        instrument = instrument_by_symbol(symbol)
        found = bars(instrument, query["interval"], query["limit"], query["before"])
        return Response(
            {
                "symbol": instrument.symbol,
                "interval": query["interval"],
                "results": [bar_shape(bar) for bar in found],
            }
        )
