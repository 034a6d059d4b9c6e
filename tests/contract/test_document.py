"""docs/openapi.json is what the code declares, and nothing of the API is left out of it."""

import json

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import resolve

from bengi.api import ROUTES
from bengi.schema.codes import STATUS_OF
from bengi.schema.operation import declared_of
from bengi.schema.views import document_text
from bengi.tests.test_error_codes import rows_of
from tests.contract.document import FILE, breaches, document, operation_at, operations

METHODS = ("get", "post", "put", "patch", "delete")
NOWHERE = "01900000-0000-7000-8000-000000000000"


def test_the_committed_document_is_the_one_the_code_makes():
    """Where not: `make openapi`, and look at what has changed for the people who use it."""
    assert FILE.read_text() == document_text()


def test_it_is_valid_and_made_without_a_warning(tmp_path):
    options = {"validate": True, "fail_on_warn": True, "format": "openapi-json"}
    call_command("spectacular", file=str(tmp_path / "made.json"), **options)
    made = json.loads((tmp_path / "made.json").read_text())
    assert made == document()
    assert made["openapi"].startswith("3.1.")


@pytest.mark.parametrize("route", ROUTES)
def test_every_method_of_every_route_is_declared(route):
    path = f"/api/v1/{route}"
    for kind, place in (("uuid", NOWHERE), ("symbol", "ABC")):
        path = "/".join(place if f"<{kind}:" in part else part for part in path.split("/"))
    view = resolve(path).func.view_class
    for method in METHODS:
        if hasattr(view, method):
            assert declared_of(view, method), f"{view.__name__}.{method} has no @operation"
            assert operation_at(method.upper(), path), f"{method} {path} is not in the document"


def test_codes_are_those_of_the_table_with_their_statuses():
    told = {code: int(row[0]) for code, row in rows_of("HTTP").items()}
    assert told == STATUS_OF


def test_every_code_is_answered_by_some_operation():
    """But for the codes of what is no operation: a form, pages of staff, a wrong method."""
    answered = set().union(*(each.codes() for each in operations()))
    elsewhere = {
        *("email_taken", "method_not_allowed", "already_halted", "account_closed"),
        *("corporate_action_closed", "ex_date_has_begun", "not_reversible"),
    }
    assert set(STATUS_OF) - answered == elsewhere


def test_the_document_is_served_to_everybody():
    response = Client().get("/api/schema")
    assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json() == document()


def test_the_reference_names_no_other_site_and_keeps_the_policy():
    response = Client().get("/api/docs")
    assert response.status_code == 200
    assert b"https:" not in response.content
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def said(**change) -> bytes:
    body = {
        "id": NOWHERE,
        "account_id": NOWHERE,
        "name": "Main",
        "cost_basis_method": "fifo",
    }
    return json.dumps({k: v for k, v in {**body, **change}.items() if v is not ...}).encode()


@pytest.mark.parametrize(
    ("change", "is_breach"),
    [
        ({}, False),
        ({"more": 1}, True),
        ({"name": ...}, True),
        ({"name": None}, True),
        ({"id": "12"}, True),
        ({"cost_basis_method": "random"}, True),
    ],
)
def test_an_answer_of_another_shape_is_a_breach(change, is_breach):
    each = operation_at("GET", f"/api/v1/portfolios/{NOWHERE}")
    assert bool(list(breaches(each, 200, "application/json", said(**change)))) is is_breach


def refusal(code: str, status: int, reasons=()) -> bytes:
    errors = [{"field": None, "code": each, "detail": ""} for each in reasons]
    head = {"type": f"urn:bengi:problem:{code}", "title": "", "detail": "", "request_id": "x" * 8}
    return json.dumps({**head, "status": status, "code": code, "errors": errors}).encode()


@pytest.mark.parametrize(
    ("status", "body", "is_breach"),
    [
        (404, refusal("not_found", 404), False),
        (404, refusal("not_found", 400), True),
        (404, refusal("invalid_tick", 404), True),
        (404, refusal("not_found", 404, ["price_collar"]), True),
        (409, refusal("in_progress", 409), True),
    ],
)
def test_a_problem_that_is_not_documented_is_a_breach(status, body, is_breach):
    each = operation_at("GET", f"/api/v1/portfolios/{NOWHERE}")
    assert bool(list(breaches(each, status, "application/problem+json", body))) is is_breach
