"""Orders over HTTP: place, list, look at one, cancel."""

from typing import Any
from uuid import UUID

from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.selectors import account_of
from bengi import clock
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.pagination import page
from orders.facts import DEFAULT_LIMITS
from orders.limits import limits_shape, read_limits
from orders.models import Order
from orders.payloads import order_payload
from orders.preview import preview
from orders.replacing import request_replace
from orders.selectors import halted_accounts, legs_with, order_of, orders_of
from orders.serializers import OrderInput, OrdersInput, ReplaceInput, preview_shape, ticket_of
from orders.services import place_order, request_cancel


class OrdersView(APIView):
    """The user's orders, newest first; a POST adds one."""

    def get(self, request: ApiRequest) -> Response:
        query = read_query(OrdersInput, request.query_params)
        orders = orders_of(request.user)
        if query["status"] in {"open", "closed"}:
            orders = orders.filter(closed_at__isnull=query["status"] == "open")
        elif query["status"] != "all":
            orders = orders.filter(status=query["status"])
        if query["symbol"]:
            orders = orders.filter(instrument__symbol=query["symbol"].upper())
        if query["side"]:
            orders = orders.filter(side=query["side"])
        if query["group_id"]:
            orders = orders.filter(group_id=query["group_id"])
        return Response(
            page(orders, by=("-id",), limit=query["limit"], cursor=query["cursor"], shape=_shape)
        )

    def post(self, request: ApiRequest) -> Response:
        """Accept an order (201), or say the one again that its key has made before (200)."""
        values = read_body(OrderInput, request.data)
        ticket = ticket_of(request.user, values, request.headers.get("Idempotency-Key"))
        placement = place_order(ticket, now=clock.now())
        body = _whole(placement.order)
        if placement.replayed:
            return Response(body, headers={"Idempotency-Replayed": "true"})
        location = {"Location": f"/api/v1/orders/{placement.order.id}"}
        return Response(body, status=status.HTTP_201_CREATED, headers=location)


class PreviewView(APIView):
    """What an order would cost and why it would be refused. Takes what a POST of an order takes."""

    def post(self, request: ApiRequest) -> Response:
        values = read_body(OrderInput, request.data)
        ticket = ticket_of(request.user, values, request.headers.get("Idempotency-Key"))
        return Response(preview_shape(preview(ticket, now=clock.now())))


class LimitsView(APIView):
    """How far an account's orders may go, and whether it may order at all now."""

    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        read_query(Input, request.query_params)
        account = account_of(request.user, account_id)
        limits = read_limits([account.id]).get(account.id, DEFAULT_LIMITS)
        halt = halted_accounts([account.id]).get(account.id)
        return Response({**limits_shape(limits), "trading_halted": halt})


class OrderView(APIView):
    """One order; a PATCH asks for another in its place."""

    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(_whole(order_of(request.user, order_id)))

    def patch(self, request: ApiRequest, order_id: UUID) -> Response:
        """Ask for it to be replaced; the answer is the new order, held until the engine decides."""
        changes = read_body(ReplaceInput, request.data)
        key = changes.pop("client_order_id", None)
        asked = request_replace(order_id, request.user, changes, key=key, now=clock.now())
        headers = {"Idempotency-Replayed": "true"} if asked.replayed else {}
        return Response(_whole(asked.order), headers=headers)


class CancelView(APIView):
    """Ask for an order to be canceled; the engine answers on the stream."""

    def post(self, request: ApiRequest, order_id: UUID) -> Response:
        read_body(Input, request.data)
        return Response(_whole(request_cancel(order_id, request.user, now=clock.now())))


def _whole(order: Order) -> dict[str, Any]:
    """Return one order with the legs of its group; those of a list are rows of their own."""
    return _shape(order) | {"legs": [_shape(leg) for leg in legs_with(order)]}


def _shape(order: Order) -> dict[str, Any]:
    return order_payload(order, order.instrument.symbol)
