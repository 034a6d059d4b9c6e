"""Every error under /api/ is a problem: never a page, never a trace, never a 5xx for bad input."""

import json
from http import HTTPStatus

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import Client, override_settings

from accounts.tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("bengi.tests.problem_urls")]

BODY = {"word": "up", "quantity": "1"}


@pytest.fixture
def anonymous():
    return Client(raise_request_exception=False)


@pytest.fixture
def client():
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    return client


def problem_of(response, status: int, code: str) -> dict:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body.keys() == {"type", "title", "status", "code", "detail", "errors", "request_id"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:bengi:problem:{code}"
    assert body["title"] == HTTPStatus(status).phrase
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    assert "secret" not in response.content.decode()
    return body


def post(client, body, **headers):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post("/api/closed", text, content_type="application/json", **headers)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bug", 500, "internal_error"),
        ("conflict", 409, "order_not_cancelable"),
        ("database", 503, "unavailable"),
        ("denied", 403, "forbidden"),
        ("django-404", 404, "not_found"),
        ("malformed", 400, "invalid_field"),
        ("not-found", 404, "not_found"),
        ("rate", 429, "rate_limited"),
        ("refused", 422, "insufficient_funds"),
        ("suspicious", 400, "malformed_json"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_what_a_view_raises(anonymous, name, status, code, debug):
    with override_settings(DEBUG=debug):
        problem_of(anonymous.get(f"/api/raise/{name}"), status, code)


@pytest.mark.parametrize("debug", [False, True])
def test_a_bug_outside_the_framework(anonymous, debug):
    with override_settings(DEBUG=debug):
        problem_of(anonymous.get("/api/plain-bug"), 500, "internal_error")


def test_a_refusal_tells_every_rule_with_its_numbers(anonymous):
    body = problem_of(anonymous.get("/api/raise/refused"), 422, "insufficient_funds")
    assert body["detail"] == "Not enough."
    assert body["errors"] == [
        {
            "field": "quantity",
            "code": "insufficient_funds",
            "detail": "Not enough.",
            "needed": "10.5",
        },
        {
            "field": "limit_price",
            "code": "invalid_tick",
            "detail": "Off the grid.",
            "tick": "0.01",
        },
    ]


def test_a_conflict_tells_the_state(anonymous):
    body = problem_of(anonymous.get("/api/raise/conflict"), 409, "order_not_cancelable")
    assert body["errors"] == [
        {
            "field": None,
            "code": "order_not_cancelable",
            "detail": "It is filled.",
            "status": "filled",
        }
    ]


def test_later_says_when(anonymous):
    assert anonymous.get("/api/raise/rate")["Retry-After"] == "7"
    assert anonymous.get("/api/raise/database")["Retry-After"] == "1"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/v1/nothing/", "/api/%00", "/api/%ff"]
)
def test_an_unknown_address(anonymous, path, debug):
    with override_settings(DEBUG=debug):
        body = problem_of(anonymous.get(path), 404, "not_found")
    assert body["errors"] == []


@pytest.mark.parametrize("path", ["raise/bug", "raise/conflict", "raise/django-404", "nothing"])
def test_a_problem_has_the_headers_of_every_answer(anonymous, path):
    """Also where it stands for a page that Django has made of an error."""
    assert_has_all_headers(anonymous.get(f"/api/{path}"))


def assert_has_all_headers(response: HttpResponse) -> None:
    told = response.headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    assert told["Referrer-Policy"] == told["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "default-src 'none'" in told["Content-Security-Policy"]
    assert "camera=()" in told["Permissions-Policy"]


def test_pages_outside_the_api_are_left_alone(anonymous):
    response = anonymous.get("/page")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")
    assert response["X-Request-ID"]


def test_a_host_that_is_not_ours(anonymous):
    problem_of(anonymous.get("/api/closed", HTTP_HOST="evil.example"), 400, "invalid_parameter")


def test_not_signed_in(anonymous):
    response = post(anonymous, BODY)
    problem_of(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="bengi"'


def test_a_disabled_user_is_not_signed_in(anonymous):
    user = UserFactory()
    anonymous.force_login(user)
    user.is_active = False
    user.save()
    problem_of(post(anonymous, BODY), 401, "not_authenticated")


def test_without_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory())
    body = problem_of(post(client, BODY), 403, "csrf_failed")
    assert "CSRF" in body["detail"]


def test_with_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory())
    client.cookies["csrftoken"] = "a" * 32
    assert post(client, BODY, HTTP_X_CSRFTOKEN="a" * 32).status_code == 200


def test_method(client):
    response = client.delete("/api/closed")
    problem_of(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert client.options("/api/closed").json() == {"methods": response["Allow"].split(", ")}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "x" * 300, "a/b/c"],
)
def test_media_type(client, content_type):
    response = client.post("/api/closed", b'{"word": "up"}', content_type=content_type)
    problem_of(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", ""])
def test_json_whatever_is_accepted(client, accept):
    assert client.get("/api/closed", HTTP_ACCEPT=accept)["Content-Type"] == "application/json"


@pytest.mark.parametrize("size", [256 * 1024 + 1, 3_000_000])
def test_a_large_body_is_refused(client, size):
    response = post(client, "x" * size)
    problem_of(response, 413, "payload_too_large")
    assert_has_all_headers(response)


def test_a_large_body_that_does_not_tell_its_size_is_refused(client):
    """The parser stops reading by itself; the header is only the short way."""
    response = client.generic(
        "POST",
        "/api/closed",
        b" " * 300_000,
        content_type="application/json",
        CONTENT_LENGTH="3",
    )
    assert response.status_code in {400, 413}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("blanks", "status"), [(0, 200), (300_000, 413)])
async def test_a_body_of_untold_length_is_read_and_measured(client, blanks, status):
    """Under ASGI a chunked body comes without Content-Length."""
    cookie = f"sessionid={client.cookies['sessionid'].value}; csrftoken={'a' * 32}"
    headers = {
        "host": "testserver",
        "cookie": cookie,
        "x-csrftoken": "a" * 32,
        "content-type": "application/json",
        "transfer-encoding": "chunked",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/closed",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    server = ApplicationCommunicator(ASGIHandler(), scope)
    body = json.dumps(BODY).encode() + b" " * blanks
    await server.send_input({"type": "http.request", "body": body})
    start = await server.receive_output(timeout=10)
    await server.receive_output(timeout=10)
    await server.wait(timeout=10)
    assert start["status"] == status


def test_the_largest_body_is_read(client):
    text = json.dumps(BODY)
    assert post(client, text + " " * (256 * 1024 - len(text))).status_code == 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "malformed_json"),
        ('{"word": NaN}', "malformed_json"),
        ('{"word": "up", "word": "up"}', "duplicate_key"),
        ('{"word": "\\ud800"}', "malformed_json"),
        ('{"word": "a\\u0000"}', "malformed_json"),
        (b'{"word": "\xff"}', "malformed_json"),
        ("[]", "malformed_json"),
        ('"up"', "malformed_json"),
        ("null", "malformed_json"),
        ("{", "malformed_json"),
    ],
)
def test_a_body_that_cannot_be_read(client, text, code):
    problem_of(post(client, text), 400, code)


def test_a_good_body_and_a_good_query(client):
    assert post(client, {**BODY, "quantity": 12}).json() == {"word": "up", "quantity": "12"}
    assert client.get("/api/closed?limit=7").json() == {"limit": 7}
    assert client.get("/api/closed").json() == {"limit": 50}


def test_every_wrong_field_is_told_at_once(client):
    body = problem_of(
        post(client, {"word": "sideways", "quantity": "0", "qty": 1, "thing": 5}),
        400,
        "invalid_field",
    )
    told = {error["field"]: error["code"] for error in body["errors"]}
    assert told == {
        "word": "invalid_field",
        "quantity": "invalid_quantity",
        "qty": "unknown_field",
        "thing": "invalid_field",
    }


def test_missing_fields_are_told(client):
    body = problem_of(post(client, ""), 400, "invalid_field")
    assert {error["field"] for error in body["errors"]} == {"word", "quantity"}


@pytest.mark.parametrize(
    "quantity",
    [
        *("", " 1", "+1", "-1", "1e2", "1_000", "１２", ".5", "5.", "0", "0.0", "1.123456789"),
        *("NaN", "12345678901", "1\n", 0, -1, True, None, [], {}, 1.5, 1e2),
    ],
)
def test_decimals_are_read_strictly(client, quantity):
    body = problem_of(post(client, {**BODY, "quantity": quantity}), 400, body_code(quantity))
    assert [error["field"] for error in body["errors"]] == ["quantity"]


def body_code(quantity) -> str:
    return "invalid_field" if quantity is None else "invalid_quantity"


def test_a_float_is_told_to_come_as_a_string(client):
    body = problem_of(post(client, '{"word": "up", "quantity": 1.5}'), 400, "invalid_quantity")
    assert "as a string" in body["detail"]


@pytest.mark.parametrize("key", ["", "123456789", "naïve", "a\tb", 5, None, ["a"]])
def test_keys_are_short_printable_ascii(client, key):
    problem_of(post(client, {**BODY, "key": key}), 400, "invalid_field")


@pytest.mark.parametrize("thing", ["", "x", "0" * 32, "{01890a5d-ac96-774b-bcce-b302099a8057}"])
def test_identifiers_have_one_form(client, thing):
    problem_of(post(client, {**BODY, "thing": thing}), 400, "invalid_field")


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=201", "limit=x", "limit=", "limit=-1", "limit=１", "limit=%00"),
        *("limit=1&limit=2", "lmit=1", "limit=" + "9" * 400),
    ],
)
def test_queries_are_read_strictly(client, query):
    body = problem_of(client.get(f"/api/closed?{query}"), 400, "invalid_parameter")
    assert [error["field"] for error in body["errors"]] == [query.split("=")[0]]


def test_the_request_id_of_a_client_is_kept_when_it_is_a_plain_word(client):
    assert client.get("/api/closed", HTTP_X_REQUEST_ID="trace-0001")["X-Request-ID"] == "trace-0001"
    odd = client.get("/api/closed", HTTP_X_REQUEST_ID='<b>"')["X-Request-ID"]
    assert len(odd) == 36
