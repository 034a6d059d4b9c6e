"""Every answer that a test gets from the API is held against the document, in whatever suite."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.contract.document import breaches, operation_at


class OffContract(AssertionError):
    """An answer is not what docs/openapi.json says."""


def check(response: Any) -> None:
    """Raise OffContract unless the answer is as documented."""
    request = response.wsgi_request
    each = operation_at(request.method, request.path_info)
    if each is None:
        return
    media_type = response.headers.get("Content-Type", "").split(";")[0]
    body = b"" if response.streaming else response.content
    found = list(breaches(each, response.status_code, media_type, body))
    missing = {"X-Request-ID"} - set(response.headers)
    if found or missing:
        raise OffContract(f"{each.id} {response.status_code}: {[*found, *missing]}")


@pytest.fixture(scope="session", autouse=True)
def _contract() -> Iterator[None]:
    asked = Client.request

    def request(self: Client, **options: Any) -> Any:
        response = asked(self, **options)
        check(response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", request)
        yield
