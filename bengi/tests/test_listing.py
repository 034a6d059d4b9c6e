"""Lists in the order that is asked for, in pages and as files."""

import asyncio
import csv
import io
import tempfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bengi import listing
from bengi.csv_files import (
    KEPT_BYTES_MAX,
    csv_lines,
    csv_of_file,
    csv_text,
    harmless,
    written,
)
from bengi.errors import Malformed
from orders.models import Order
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, URL, signed_in, told
from portfolios.tests.factories import PortfolioFactory


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-12.50", "-12.50"),
        ("-3", "-3"),
        ("-1e5", "'-1e5"),
        ("-1.", "'-1."),
        ("-1-2", "'-1-2"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("12", "12"),
        ("", ""),
        ("Deposit", "Deposit"),
        ("a=b", "a=b"),
        (" =1", " =1"),
    ],
)
def test_cells_that_a_spreadsheet_would_run(cell, written):
    assert harmless(cell) == written


def rows_read(read: list[int], count: int):
    """Yield rows, and note how many have been asked for."""
    for number in range(count):
        read.append(number)
        yield {"n": number}


@pytest.mark.django_db
def test_a_file_is_written_to_its_end_before_it_is_sent():
    read: list[int] = []
    with written(csv_lines(["n"], rows_read(read, 200_000))) as file:
        assert len(read) == 200_000
        answer = csv_of_file(file, "numbers")
        body = answer.getvalue()
        assert body.startswith(b"n\r\n0\r\n1\r\n")
        assert body.endswith(b"\r\n199999\r\n")
        assert answer["Content-Length"] == str(len(body))
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="numbers.csv"'


def test_a_long_file_is_not_kept_in_memory():
    kept, gone = (written(["x" * count]) for count in (KEPT_BYTES_MAX, KEPT_BYTES_MAX + 1))
    with kept, gone:
        assert [file._rolled for file in (kept, gone)] == [False, True]


def test_a_file_that_cannot_be_written_is_left_nowhere(monkeypatch):
    made = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - what is tested closes it
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda _kept: made)

    def lines():
        yield "first"
        raise Malformed("invalid_parameter", "No more.")

    with pytest.raises(Malformed):
        written(lines())
    assert made.closed


def test_an_asynchronous_server_reads_the_same_file():
    async def read() -> bytes:
        answer = csv_of_file(written(csv_lines(["n"], rows_read([], 3))), "numbers")
        body = b"".join([part async for part in answer])
        answer.close()
        return body

    assert asyncio.run(read()) == b"n\r\n0\r\n1\r\n2\r\n"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_no_cell_of_a_file_begins_a_formula(cells):
    columns = [str(n) for n in range(len(cells))]
    text = csv_text(columns, [dict(zip(columns, cells, strict=True))])
    _, *rows = csv.reader(io.StringIO(text, newline=""))
    assert len(rows) == 1
    for cell, read in zip(cells, rows[0], strict=True):
        assert read in {cell, f"'{cell}"}
        is_number = read.removeprefix("-").replace(".", "", 1).isdecimal()
        assert read[:1] not in tuple("=+-@\t\r\n") or not read or is_number


def test_nothing_and_flags_in_a_file():
    assert csv_text(["a", "b", "c"], [{"a": None, "b": True, "c": Decimal("-1.5")}]) == (
        "a,b,c\r\n,true,-1.5\r\n"
    )


# -- over the list of orders -------------------------------------------------------------------


@pytest.fixture
def portfolio(db):
    return PortfolioFactory()


@pytest.fixture
def api(portfolio):
    return signed_in(portfolio.account.user)


def pages(api, query, *, meanwhile=lambda: None):
    seen, cursor = [], ""
    while cursor is not None:
        body = api.get(f"{URL}?{query}&limit=3" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [(order["symbol"], order["id"]) for order in body["results"]]
        cursor = body["next"]
        meanwhile()
    return seen


@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_by_symbol_while_orders_are_added(api, portfolio, sign):
    made = [
        OrderFactory(portfolio=portfolio, instrument__symbol=symbol)
        for symbol in ("DD", "BB", "FF", "AA", "CC", "EE", "GG")
    ]
    same = OrderFactory(portfolio=portfolio, instrument=made[0].instrument)
    own = {str(order.id) for order in (*made, same)}
    seen = pages(
        api,
        f"ordering={sign}symbol",
        meanwhile=lambda: OrderFactory(portfolio=portfolio, instrument=made[0].instrument),
    )
    assert seen == sorted(seen, reverse=bool(sign))
    assert len(seen) == len(set(seen)), "no order comes twice"
    assert own <= {order_id for _, order_id in seen}, "every order comes"


@pytest.mark.parametrize("ordering", ["created", "-created", "accepted_at", "-accepted_at"])
def test_pages_by_time(api, portfolio, ordering):
    own = [str(order.id) for order in OrderFactory.create_batch(7, portfolio=portfolio)]
    seen = [order_id for _, order_id in pages(api, f"ordering={ordering}")]
    assert seen == (own[::-1] if ordering.startswith("-") else own)


@pytest.mark.parametrize("ordering", ["id", "quantity", "--symbol", "symbol,created", "", "-"])
def test_another_order_is_refused(api, ordering):
    assert told(api.get(f"{URL}?ordering={ordering}")) == {"ordering": "invalid_parameter"}


def test_a_cursor_belongs_to_its_order(api, portfolio):
    OrderFactory.create_batch(3, portfolio=portfolio)
    cursor = api.get(f"{URL}?limit=1&ordering=created").json()["next"]
    assert api.get(f"{URL}?limit=1&ordering=created&cursor={cursor}").status_code == 200
    for other in ("-created", "accepted_at", "symbol"):
        answer = api.get(f"{URL}?limit=1&ordering={other}&cursor={cursor}")
        assert told(answer) == {"cursor": "invalid_parameter"}


@pytest.mark.parametrize(
    ("query", "accept", "is_csv"),
    [
        ("?format=csv", "application/json", True),
        ("?format=json", "text/csv", False),
        ("", "text/csv", True),
        ("", "TEXT/CSV; q=0.9", True),
        ("", "application/json, text/csv", False),
        ("", "text/html, text/csv, */*", True),
        ("", "text/csv;q=0, */*", False),
        ("", "*/*", False),
        ("", "", False),
    ],
)
def test_who_gets_a_file(api, portfolio, query, accept, is_csv):
    OrderFactory(portfolio=portfolio)
    answer = api.get(URL + query, headers={"accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv" if is_csv else "application/json")


def test_a_file_holds_all_that_is_found_in_the_order_that_is_asked(
    api, portfolio, django_assert_num_queries
):
    for n in range(60):
        OrderFactory(portfolio=portfolio, client_order_id=f"=cmd{n}", limit_price=Decimal(n + 1))
    OrderFactory(portfolio=portfolio, side="sell")
    OrderFactory()
    with django_assert_num_queries(3):  # session, user, orders
        answer = api.get(f"{URL}?format=csv&side=buy&ordering=created")
    assert answer["Content-Disposition"] == 'attachment; filename="orders.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert [row["limit_price"] for row in rows] == [str(n + 1) for n in range(60)]
    assert rows[7]["client_order_id"] == "'=cmd7"
    assert rows[7]["accepted_at"] == "2026-01-05T15:00:00.000000Z"
    assert (rows[7]["stop_price"], rows[7]["closed_at"]) == ("", "")


@pytest.mark.parametrize("name", ["limit=3", "cursor=x"])
def test_a_file_has_no_pages(api, name):
    answer = api.get(f"{URL}?format=csv&{name}")
    assert told(answer) == {name.split("=")[0]: "invalid_parameter"}


def test_a_file_has_its_limit(api, portfolio, monkeypatch):
    monkeypatch.setattr(listing, "FILE_ROWS_MAX", 3)
    OrderFactory.create_batch(3, portfolio=portfolio)
    assert api.get(f"{URL}?format=csv").status_code == 200
    OrderFactory(portfolio=portfolio)
    assert told(api.get(f"{URL}?format=csv")) == {"format": "invalid_parameter"}


def test_the_filters_of_orders(api, portfolio):
    user = portfolio.account.user
    other = PortfolioFactory(account__user=user)
    OrderFactory(client_order_id="a", portfolio=portfolio, accepted_at=NOW.replace(day=4))
    OrderFactory(client_order_id="b", portfolio=portfolio, type="market", limit_price=None)
    OrderFactory(client_order_id="c", portfolio=other)
    OrderFactory(client_order_id="d", portfolio=portfolio, accepted_at=NOW.replace(day=6))
    assert Order.objects.count() == 4
    for query, found in [
        (f"account={portfolio.account_id}", "abd"),
        (f"portfolio={other.id}", "c"),
        ("type=market", "b"),
        ("client_order_id=a", "a"),
        ("client_order_id=A", ""),
        ("from=2026-01-05", "bcd"),
        ("to=2026-01-05", "abc"),
        ("from=2026-01-05&to=2026-01-05", "bc"),
        (f"account={PortfolioFactory().account_id}", ""),
    ]:
        results = api.get(f"{URL}?{query}").json()["results"]
        assert sorted(order["client_order_id"] for order in results) == list(found), query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-01-06&to=2026-01-05", "to"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("type=iceberg", "type"),
        ("account=x", "account"),
        ("format=xml", "format"),
    ],
)
def test_wrong_filters(api, query, field):
    assert told(api.get(f"{URL}?{query}")) == {field: "invalid_parameter"}
