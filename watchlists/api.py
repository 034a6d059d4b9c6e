"""Watchlists and price alerts over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from bengi import clock
from bengi.answers import created
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.listing import answer
from bengi.schema.operation import operation
from bengi.schema.shapes import Page
from watchlists import shapes
from watchlists.payloads import alert_shape
from watchlists.selectors import alert_of, alerts_of, watchlist_of, watchlists_of
from watchlists.serializers import (
    AddSymbolInput,
    AlertInput,
    AlertsInput,
    NewAlertInput,
    NewWatchlistInput,
    WatchlistInput,
    WatchlistsInput,
    watchlist_shape,
)
from watchlists.services import (
    add_symbol,
    change_alert,
    create_watchlist,
    delete_alert,
    delete_watchlist,
    remove_symbol,
    set_alert,
    write_watchlist,
)


class WatchlistsView(APIView):
    """The user's lists, oldest first; a POST adds one."""

    @operation("List watchlists", query=WatchlistsInput, answers=Page[shapes.Watchlist])
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(WatchlistsInput, request.query_params)
        return answer(request, watchlists_of(request.user), query, shape=watchlist_shape)

    @operation(
        "Create a watchlist",
        body=NewWatchlistInput,
        answers=shapes.Watchlist,
        status=201,
        refuses=("name_taken", "limit_reached", "unknown_symbol"),
    )
    def post(self, request: ApiRequest) -> Response:
        watchlist = create_watchlist(request.user, **read_body(NewWatchlistInput, request.data))
        return created(watchlist_shape(watchlist), f"watchlists/{watchlist.id}")


class WatchlistView(APIView):
    """One list; a PUT writes it anew."""

    @operation("Get a watchlist", answers=shapes.Watchlist)
    def get(self, request: ApiRequest, watchlist_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(watchlist_shape(watchlist_of(request.user, watchlist_id)))

    @operation(
        "Write a watchlist",
        body=WatchlistInput,
        answers=shapes.Watchlist,
        refuses=("name_taken", "unknown_symbol"),
    )
    def put(self, request: ApiRequest, watchlist_id: UUID) -> Response:
        values = read_body(WatchlistInput, request.data)
        return Response(watchlist_shape(write_watchlist(watchlist_id, request.user, **values)))

    @operation("Delete a watchlist", body=Input, answers=None, status=204)
    def delete(self, request: ApiRequest, watchlist_id: UUID) -> Response:
        read_body(Input, request.data)
        delete_watchlist(watchlist_id, request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WatchedSymbolsView(APIView):
    """A POST puts a symbol into a list, or moves it."""

    @operation(
        "Add a symbol to a watchlist",
        body=AddSymbolInput,
        answers=shapes.Watchlist,
        refuses=("limit_reached", "unknown_symbol"),
    )
    def post(self, request: ApiRequest, watchlist_id: UUID) -> Response:
        values = read_body(AddSymbolInput, request.data)
        return Response(watchlist_shape(add_symbol(watchlist_id, request.user, **values)))


class WatchedSymbolView(APIView):
    """A DELETE takes a symbol out of a list."""

    @operation("Remove a symbol from a watchlist", body=Input, answers=None, status=204)
    def delete(self, request: ApiRequest, watchlist_id: UUID, symbol: str) -> Response:
        read_body(Input, request.data)
        remove_symbol(watchlist_id, request.user, symbol)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AlertsView(APIView):
    """The user's price alerts, newest first; a POST sets one."""

    @operation("List alerts", query=AlertsInput, answers=Page[shapes.Alert])
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(AlertsInput, request.query_params)
        found = alerts_of(request.user)
        if query["symbol"] is not None:
            found = found.filter(instrument__symbol=query["symbol"].upper())
        if query["status"] != "all":
            found = found.filter(fired_at__isnull=query["status"] == "waiting")
        return answer(request, found, query, shape=alert_shape)

    @operation(
        "Set an alert",
        body=NewAlertInput,
        answers=shapes.Alert,
        status=201,
        refuses=shapes.SETTING,
    )
    def post(self, request: ApiRequest) -> Response:
        values = read_body(NewAlertInput, request.data)
        alert = set_alert(request.user, **values, now=clock.now())
        return created(alert_shape(alert), f"alerts/{alert.id}")


class AlertView(APIView):
    """One alert; a PATCH changes what it waits for."""

    @operation("Get an alert", answers=shapes.Alert)
    def get(self, request: ApiRequest, alert_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(alert_shape(alert_of(request.user, alert_id)))

    @operation(
        "Change an alert",
        body=AlertInput,
        answers=shapes.Alert,
        refuses=("already_fired", "alert_is_due", "unexpected_price"),
    )
    def patch(self, request: ApiRequest, alert_id: UUID) -> Response:
        values = read_body(AlertInput, request.data)
        alert = change_alert(alert_id, request.user, **values, now=clock.now())
        return Response(alert_shape(alert))

    @operation("Delete an alert", body=Input, answers=None, status=204)
    def delete(self, request: ApiRequest, alert_id: UUID) -> Response:
        read_body(Input, request.data)
        delete_alert(alert_id, request.user, now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
