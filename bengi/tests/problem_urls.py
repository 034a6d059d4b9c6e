"""Addresses that fail in every way an address can, for test_problem."""

from decimal import Decimal

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bengi.errors import Conflict, Malformed, NotFound, RateLimited, Refused
from bengi.ids import new_id
from bengi.inputs import (
    CountField,
    Input,
    PositiveDecimalField,
    TextField,
    UUIDField,
    WordField,
    read_body,
    read_query,
)

ERRORS = {
    "bug": RuntimeError("secret words of a bug"),
    "conflict": Conflict("order_not_cancelable", "It is filled.", status="filled"),
    "database": OperationalError("secret words of a database"),
    "denied": PermissionDenied("secret"),
    "django-404": Http404("secret"),
    "malformed": Malformed("invalid_field", "Wrong.", field="side", id=new_id()),
    "not-found": NotFound(),
    "rate": RateLimited("rate_limited", "Slower.", retry_after_s=7),
    "refused": Refused(
        errors=[
            Refused("insufficient_funds", "Not enough.", field="quantity", needed=Decimal("10.50")),
            Refused("invalid_tick", "Off the grid.", field="limit_price", tick=Decimal("0.010")),
        ]
    ),
    "suspicious": SuspiciousOperation("secret"),
}


class BodyInput(Input):
    word = WordField(("up", "down"))
    quantity = PositiveDecimalField(code="invalid_quantity")
    key = TextField(max_length=8, required=False)
    thing = UUIDField(required=False)


class QueryInput(Input):
    limit = CountField(1, 200, default=50)


class Open(APIView):
    """Raises the error that its address names."""

    permission_classes = [AllowAny]

    def get(self, request: Request, error: str) -> Response:
        raise ERRORS[error]


class Closed(APIView):
    """Echoes a body that fits its form."""

    def post(self, request: Request) -> Response:
        return Response({name: str(v) for name, v in read_body(BodyInput, request.data).items()})

    def get(self, request: Request) -> Response:
        return Response(read_query(QueryInput, request.query_params))


def page(request: HttpRequest) -> HttpResponse:
    raise Http404


def bug(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret words of a bug")


urlpatterns = [
    path("api/raise/<str:error>", Open.as_view()),
    path("api/closed", Closed.as_view()),
    path("api/plain-bug", bug),
    path("page", page),
    *(path(name, page, name=name) for name in ("help", "orders", "search")),  # pages of errors
]
