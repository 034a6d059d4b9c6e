"""Schemathesis over the committed document: no 5xx, nothing that is not documented.

Every operation, as a trader and as a dealer; half of what is sent fits the document and half does
not. Most identifiers are those of things that exist, so that requests get past the 404.
FUZZ_API_EXAMPLES says how many requests each operation gets of each kind and person.
"""

import copy
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup

from tests.contract.document import Documented, breaches, document, operation_at, operations
from tests.contract.stage import Stage, staged, undone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
EXAMPLES = int(os.environ.get("FUZZ_API_EXAMPLES", "20"))
CHECKS = [
    not_a_server_error,
    negative_data_rejection,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXCUSED = {"place_several_orders": (negative_data_rejection,)}
"""A bad order of a batch is told in its place."""
NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[!-.0-~]{1,16}")
CSRF = "a" * 32
STATUSES: Counter[int] = Counter()
CASES_MIN = 100 * EXAMPLES  # of all operations together


@pytest.fixture(scope="module")
def schema() -> Any:
    return loaded(document())


def loaded(text: dict[str, Any]) -> Any:
    """Return a document whose requests go to the product, in this process."""
    made = schemathesis.openapi.from_dict(copy.deepcopy(text))  # it writes into it
    made.app = get_wsgi_application()
    made.config.generation.update(with_security_parameters=False)
    return made


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stage whose database stays open between requests, as the test client keeps it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    with staged() as made:
        yield made
    for signal in signals:
        signal.connect(close_old_connections)


def signed_in(stage: Stage, role: str) -> dict[str, Any]:
    """Return what makes a request one of somebody who is signed in."""
    name = django_settings.SESSION_COOKIE_NAME
    session = stage.client(role).cookies[name].value
    return {"cookies": {name: session, "csrftoken": CSRF}, "headers": {"X-CSRFToken": CSRF}}


@pytest.mark.parametrize("each", list(operations()), ids=lambda each: each.id)
def test_nothing_undocumented_is_answered(schema, stage: Stage, each: Documented):
    operation = schema.find_operation_by_id(each.id)
    takes_something = each.told.get("parameters") or each.told.get("requestBody")
    for role in ("owner", "dealer"):
        who = signed_in(stage, role)
        fuzz(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), stage, who)
        if takes_something:
            fuzz(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), stage, who)


def fuzz(cases: Any, stage: Stage, who: dict[str, Any]) -> None:
    """Ask as often as EXAMPLES says, and judge every answer."""
    places = stage.places
    places |= {name: places[f"{name}_id"] for name in ("account", "portfolio", "order")}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def asked(case: Any) -> None:
        for part in (case.path_parameters, case.query, case.body):
            make_known(part, places)
        operation_id = case.operation.definition.raw["operationId"]
        is_end = case.method == "DELETE" or case.path.startswith("/api/v1/auth/")
        with undone() if is_end else nullcontext():  # or the first one would be the only one
            response = case.call(**who)
        checks = [each for each in CHECKS if each not in EXCUSED.get(operation_id, ())]
        case.validate_response(response, checks=checks)
        judge(response)

    asked()


def make_known(part: Any, places: dict[str, str]) -> None:
    """Let three of four texts that should name something name what is there, in place."""
    if not isinstance(part, dict):
        return
    for name in set(part) & set(places):
        value = part[name]
        if isinstance(value, str) and NAME.fullmatch(value) and crc32(value.encode()) % 4:
            part[name] = places[name]


def judge(response: Any) -> None:
    """Assert what schemathesis does not know: the codes of a problem."""
    request = response.request
    path = urlsplit(request.url).path
    each = operation_at(request.method, path)
    if each is not None:
        media_type = response.headers.get("content-type", [""])[0].split(";")[0]
        found = breaches(each, response.status_code, media_type, response.content)
        assert list(found) == []
    STATUSES[response.status_code] += 1


def test_what_is_not_documented_is_found(stage: Stage):
    """The same with a document that leaves a status out."""
    lacking = copy.deepcopy(document())
    del lacking["paths"]["/api/v1/orders"]["get"]["responses"]["400"]
    operation = loaded(lacking).find_operation_by_id("list_orders")
    cases = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    with pytest.raises(FailureGroup, match="Undocumented status code"):
        fuzz(cases, stage, signed_in(stage, "owner"))


def test_not_everything_is_refused():
    """Stands last and judges what those above have counted; tests/workers.py keeps all together."""
    asked, done = sum(STATUSES.values()), sum(STATUSES[status] for status in (200, 201))
    print(f"{asked} requests: {dict(sorted(STATUSES.items()))}")
    assert asked >= CASES_MIN, "it takes the whole file, in one process"
    assert done > asked / 10
