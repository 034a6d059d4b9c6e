"""Orders over HTTP: place, list, look at one, cancel."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import shapes as accounts_shapes
from accounts.api import whole_account
from accounts.selectors import account_of
from accounts.serializers import idempotency_key
from bengi import clock
from bengi.answers import created, replayed
from bengi.errors import BengiError
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.limits.throttle import count_orders
from bengi.listing import answer
from bengi.problem import problem_body
from bengi.schema.operation import Key, operation
from bengi.schema.shapes import Listing, Page
from orders import shapes
from orders.asking import Asked, key_of, ticket_for
from orders.canceling import cancel_all
from orders.closing import Closing, close_position
from orders.facts import DEFAULT_LIMITS
from orders.fast_lane import admit, admit_all
from orders.limits import limits_shape, read_limits
from orders.models import Order
from orders.payloads import order_payload
from orders.preview import preview
from orders.replacing import request_replace
from orders.resetting import reset_account
from orders.selectors import halted_accounts, legs_of, legs_with, order_of, orders_where
from orders.serializers import (
    ORDERS_FILE,
    BatchInput,
    CancelAllInput,
    CloseInput,
    OrderInput,
    OrdersInput,
    ReplaceInput,
    ResetInput,
    all_asked_of,
    asked_of,
    preview_shape,
)
from orders.services import Placement, request_cancel


class OrdersView(APIView):
    """The user's orders, newest first; a POST adds one."""

    @operation("List orders", query=OrdersInput, answers=Page[shapes.Order], csv=True)
    def get(self, request: ApiRequest) -> Response | HttpResponse:
        query = read_query(OrdersInput, request.query_params)
        found = orders_where(request.user, query)
        return answer(request, found, query, shape=_shape, form=ORDERS_FILE)

    @operation(
        "Place an order",
        body=OrderInput,
        answers=shapes.OrderWithLegs,
        status=201,
        key=Key.OPTIONAL,
        refuses=shapes.PLACING,
    )
    def post(self, request: ApiRequest) -> Response:
        """Accept an order (201), or say the one again that its key has made before (200)."""
        values = read_body(OrderInput, request.data)
        asked = asked_of(request.user, values, request.headers.get("Idempotency-Key"))
        return _placed(admit(asked, now=clock.now()))


class PreviewView(APIView):
    """What an order would cost and why it would be refused. Takes what a POST of an order takes."""

    @operation(
        "Preview an order", body=OrderInput, answers=shapes.OrderPreview, refuses=shapes.PREVIEWING
    )
    def post(self, request: ApiRequest) -> Response:
        values = read_body(OrderInput, request.data)
        asked = asked_of(request.user, values, request.headers.get("Idempotency-Key"))
        return Response(preview_shape(preview(ticket_for(asked), now=clock.now())))


class BatchView(APIView):
    """Several orders at once; each is accepted or refused by itself, and told in its place."""

    @operation("Place several orders", body=BatchInput, answers=Listing[shapes.BatchOutcome])
    def post(self, request: ApiRequest) -> Response:
        bodies = read_body(BatchInput, request.data)["orders"]
        count_orders(request, len(bodies))
        asked = all_asked_of(request.user, bodies)
        good = [each for each in asked if isinstance(each, Asked)]
        admitted = iter(admit_all(good, now=clock.now()))
        outcomes = [next(admitted) if isinstance(each, Asked) else each for each in asked]
        legs = legs_of(o.order for o in outcomes if isinstance(o, Placement))
        return Response({"results": [_outcome(outcome, legs) for outcome in outcomes]})


class CancelAllView(APIView):
    """Ask for all open orders to be canceled, or for those that are named."""

    @operation(
        "Cancel all orders",
        body=CancelAllInput,
        answers=Listing[shapes.Order],
        refuses=("not_found",),
    )
    def post(self, request: ApiRequest) -> Response:
        asked = read_body(CancelAllInput, request.data)
        orders = cancel_all(request.user, now=clock.now(), **asked)
        return Response({"results": [_shape(order) for order in orders]})


class ClosePositionView(APIView):
    """Sell a position, or part of it, at the market."""

    @operation(
        "Close a position",
        body=CloseInput,
        answers=shapes.OrderWithLegs,
        status=201,
        key=Key.OPTIONAL,
        refuses=shapes.CLOSING,
    )
    def post(self, request: ApiRequest, position_id: UUID) -> Response:
        values = read_body(CloseInput, request.data)
        key = values.pop("client_order_id") or key_of(request.headers.get("Idempotency-Key"))
        asked = Closing(**values)
        placement = close_position(position_id, request.user, asked, key=key, now=clock.now())
        return _placed(placement)


class ResetView(APIView):
    """Archive an account as it stands and open a fresh one like it."""

    @operation(
        "Reset an account",
        body=ResetInput,
        answers=accounts_shapes.Account,
        status=201,
        key=Key.REQUIRED,
        refuses=(*accounts_shapes.MOVING_MONEY, "trading_halted"),
    )
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account_of(request.user, account_id)
        key = idempotency_key(request.headers.get("Idempotency-Key"))
        cash = read_body(ResetInput, request.data)["starting_cash"]
        receipt = reset_account(account_id, request.user, cash, key=key, now=clock.now())
        fresh = UUID(receipt.body["account_id"])
        body = whole_account(request, fresh)
        if receipt.replayed:
            return replayed(body)
        return created(body, f"accounts/{fresh}")


class LimitsView(APIView):
    """How far an account's orders may go, and whether it may order at all now."""

    @operation("Get the limits of an account", answers=shapes.AccountLimits)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        read_query(Input, request.query_params)
        account = account_of(request.user, account_id)
        limits = read_limits([account.id]).get(account.id, DEFAULT_LIMITS)
        halt = halted_accounts([account.id]).get(account.id)
        return Response({**limits_shape(limits), "trading_halted": halt})


class OrderView(APIView):
    """One order; a PATCH asks for another in its place."""

    @operation("Get an order", answers=shapes.OrderWithLegs)
    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        read_query(Input, request.query_params)
        return Response(whole(order_of(request.user, order_id)))

    @operation(
        "Replace an order",
        body=ReplaceInput,
        answers=shapes.OrderWithLegs,
        replays=True,
        refuses=shapes.REPLACING,
    )
    def patch(self, request: ApiRequest, order_id: UUID) -> Response:
        """Ask for it to be replaced; the answer is the new order, held until the engine decides."""
        changes = read_body(ReplaceInput, request.data)
        key = changes.pop("client_order_id", None)
        asked = request_replace(order_id, request.user, changes, key=key, now=clock.now())
        body = whole(asked.order)
        return replayed(body) if asked.replayed else Response(body)


class CancelView(APIView):
    """Ask for an order to be canceled; the engine answers on the stream."""

    @operation(
        "Cancel an order",
        body=Input,
        answers=shapes.OrderWithLegs,
        refuses=("order_not_cancelable",),
    )
    def post(self, request: ApiRequest, order_id: UUID) -> Response:
        read_body(Input, request.data)
        return Response(whole(request_cancel(order_id, request.user, now=clock.now())))


def whole(order: Order) -> dict[str, Any]:
    """Return one order with the legs of its group; those of a list are rows of their own."""
    return shape_with(order, legs_with(order))


def shape_with(order: Order, legs: Sequence[Order]) -> dict[str, Any]:
    """Return one order with legs that are there already."""
    return _shape(order) | {"legs": [_shape(leg) for leg in legs]}


def _placed(placement: Placement) -> Response:
    body = whole(placement.order)
    if placement.replayed:
        return replayed(body)
    return created(body, f"orders/{placement.order.id}")


def _outcome(
    outcome: Placement | BengiError, legs: Mapping[UUID, Sequence[Order]]
) -> dict[str, Any]:
    """Return what a POST of one order would have answered: its status, and the order or why not."""
    if isinstance(outcome, BengiError):
        told = problem_body(outcome)
        return {"status": told["status"], "replayed": False, "order": None, "problem": told}
    order = outcome.order
    body = shape_with(order, legs.get(order.id, ()))
    code = status.HTTP_200_OK if outcome.replayed else status.HTTP_201_CREATED
    return {"status": code, "replayed": outcome.replayed, "order": body, "problem": None}


def _shape(order: Order) -> dict[str, Any]:
    return order_payload(order, order.instrument.symbol)
