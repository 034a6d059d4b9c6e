"""What a POST answers: what it has made and where that is, or, for a key it knows, that again."""

from collections.abc import Mapping
from typing import Any

from rest_framework import status
from rest_framework.response import Response


def created(body: Mapping[str, Any], place: str | None = None) -> Response:
    """Return 201 with what was made; place: its path below /api/v1/, where it has one."""
    headers = {} if place is None else {"Location": f"/api/v1/{place}"}
    return Response(body, status=status.HTTP_201_CREATED, headers=headers)


def replayed(body: Mapping[str, Any]) -> Response:
    """Return 200 with what was made before, by the same key."""
    return Response(body, headers={"Idempotency-Replayed": "true"})
