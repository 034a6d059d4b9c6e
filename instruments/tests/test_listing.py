"""Instruments are listed and corrected with events; a file of them goes in whole or not at all."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from bengi.audit.models import AuditEntry
from bengi.errors import Conflict, Forbidden, NotFound
from bengi.events.models import Event
from bengi.ids import new_id
from instruments import csv_file
from instruments.csv_file import COLUMNS
from instruments.listing import correct_instruments, list_instrument
from instruments.models import Instrument
from instruments.services import import_catalog

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TERMS: dict[str, Any] = {
    "symbol": "NEW",
    "name": "New Listing",
    "mic": "XNYS",
    "type": "stock",
    "currency": "USD",
    "tick_size": Decimal("0.01"),
    "quantity_step": Decimal(1),
    "exchange_step": None,
    "has_feed": True,
}
HEADER = ",".join(COLUMNS)
import_file = partial(csv_file.import_file, correct=correct_instruments)
LINE = "NEW,New Listing,XNYS,stock,USD,0.01,1,,yes"


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(*lines: str, header: str = HEADER) -> Path:
        path = tmp_path / "instruments.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    return write


def test_an_instrument_is_listed_and_corrected_with_its_events() -> None:
    made = list_instrument(TERMS, by=None, now=NOW)
    assert (made.status, made.shard) == ("active", 0)
    with pytest.raises(Conflict) as refused:
        list_instrument(TERMS, by=None, now=NOW)
    assert refused.value.code == "already_listed"
    correct_instruments({made.id: {"name": "Renamed"}}, by=None, now=NOW)
    correct_instruments({made.id: {"name": "Renamed"}}, by=None, now=NOW)
    told = Event.objects.filter(stream_id=made.id).order_by("seq")
    assert [event.type for event in told] == ["instrument.listed", "instrument.corrected"]
    assert [event.payload["terms"]["name"] for event in told] == ["New Listing", "Renamed"]
    assert AuditEntry.objects.count() == 2


def test_only_who_may_and_only_what_there_is() -> None:
    nobody = get_user_model().objects.create(email="a@bengi.example", is_staff=True)
    with pytest.raises(Forbidden):
        list_instrument(TERMS, by=nobody, now=NOW)
    with pytest.raises(Forbidden):
        correct_instruments({new_id(): {"name": "x"}}, by=nobody, now=NOW)
    with pytest.raises(NotFound):
        correct_instruments({new_id(): {"name": "x"}}, by=None, now=NOW)
    assert not Instrument.objects.exists()


def test_the_catalog_leaves_alone_what_staff_have_corrected() -> None:
    count = import_catalog()
    corrected = Instrument.objects.get(symbol="KO")
    correct_instruments({corrected.id: {"name": "Coke"}}, by=None, now=NOW)
    Instrument.objects.filter(symbol="IBM").update(name="A slip")
    assert import_catalog() == count
    assert Instrument.objects.get(symbol="KO").name == "Coke"
    assert Instrument.objects.get(symbol="IBM").name == "IBM Corporation"


def test_a_file_lists_corrects_and_leaves_alone(file: Any) -> None:
    path = file(LINE, "OLD,Old,XNYS,etf,USD,0.01,0.0001,1,no")
    done = import_file(path, by=None, now=NOW)
    assert (done.listed, done.corrected, done.unchanged, done.errors) == (2, 0, 0, [])
    old = Instrument.objects.get(symbol="OLD")
    assert (old.type, old.quantity_step, old.exchange_step) == ("etf", Decimal("0.0001"), 1)
    assert not old.has_feed
    path = file(LINE.replace("New Listing", "Renamed"), "OLD,Old,XNYS,etf,USD,0.01,0.0001,1,no")
    done = import_file(path, by=None, now=NOW)
    assert (done.listed, done.corrected, done.unchanged, done.errors) == (0, 1, 1, [])
    assert Instrument.objects.get(symbol="NEW").name == "Renamed"
    assert AuditEntry.objects.count() == Event.objects.count() == 3


def test_a_dry_run_writes_nothing(file: Any) -> None:
    done = import_file(file(LINE), by=None, now=NOW, is_dry_run=True)
    assert (done.listed, done.errors) == (1, [])
    assert not Instrument.objects.exists()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("NEW,Name,XXXX,stock,USD,0.01,1,,yes", "line 3: mic: 'XXXX' is not one of "),
        ("NEW,Name,XNYS,bond,USD,0.01,1,,yes", "line 3: type: 'bond' is not one of "),
        ("NEW,Name,XNYS,stock,ZZZ,0.01,1,,yes", "line 3: currency: 'ZZZ' is not a currency"),
        ("NEW,Name,XNYS,stock,USD,0,1,,yes", "line 3: tick_size: '0' is not a number above zero"),
        ("NEW,Name,XNYS,stock,USD,1e2,1,,yes", "line 3: tick_size: '1e2' is not a number"),
        ("NEW,Name,XNYS,stock,USD,0.01,,,yes", "line 3: quantity_step: it is missing"),
        ("NEW,Name,XNYS,stock,USD,0.01,1,0.5,yes", "line 3: exchange_step: it is finer than"),
        ("NEW,Name,XNYS,stock,USD,0.01,1,,maybe", "line 3: has_feed: 'maybe' is not yes or no"),
        ("N W,Name,XNYS,stock,USD,0.01,1,,yes", "line 3: symbol: 'N W' is not 1 to 16 letters"),
        (f"NEW,{'x' * 121},XNYS,stock,USD,0.01,1,,yes", "line 3: name: 'xxx"),
        ("NEW,,XNYS,stock,USD,0.01,1,,yes", "line 3: name: it is missing"),
        ("NEW,Name,XNYS", "line 3: 3 cells instead of 9"),
        ("GOOD,Again,XNYS,stock,USD,0.01,1,,yes", "line 3: symbol: line 2 has it already"),
        ("HELD,Held,XNYS,stock,EUR,0.01,1,,yes", "line 3: currency: it is USD for good"),
        ('"NEW', "cannot be read"),
    ],
)
def test_one_wrong_line_keeps_out_all(file: Any, line: str, error: str) -> None:
    held = list_instrument(TERMS | {"symbol": "HELD"}, by=None, now=NOW)
    path = file("GOOD,Good,XNYS,stock,USD,0.01,1,,yes", line)
    done = import_file(path, by=None, now=NOW)
    (told,) = done.errors
    assert error in told
    assert list(Instrument.objects.all()) == [held]


def test_a_file_of_another_form_is_refused(file: Any, tmp_path: Path) -> None:
    done = import_file(file(LINE, header="symbol,name"), by=None, now=NOW)
    assert done.errors == [f"line 1: the columns must be {HEADER}"]
    done = import_file(tmp_path / "nowhere.csv", by=None, now=NOW)
    assert "cannot be read" in done.errors[0]
    assert not Instrument.objects.exists()


def test_a_long_file_takes_as_many_statements_as_a_short_one(
    file: Any, django_assert_max_num_queries: Any
) -> None:
    lines = [LINE.replace("NEW", f"N{number}") for number in range(40)]
    with django_assert_max_num_queries(14):
        import_file(file(*lines), by=None, now=NOW)
    with django_assert_max_num_queries(14):
        import_file(file(*(line.replace("Listing", "Name") for line in lines)), by=None, now=NOW)
    assert Instrument.objects.filter(name="New Name").count() == 40


def test_a_file_may_name_sectors(file: Any) -> None:
    header = f"{HEADER},sector"
    done = import_file(file(f"{LINE},Energy", header=header), by=None, now=NOW)
    assert (done.listed, done.errors) == (1, [])
    assert Instrument.objects.get().sector == "energy"
    assert import_file(file(LINE), by=None, now=NOW).unchanged == 1  # it says nothing of sectors
    assert import_file(file(f"{LINE},", header=header), by=None, now=NOW).corrected == 1
    told = [event.payload["terms"] for event in Event.objects.order_by("seq")]
    assert (told[0]["sector"], "sector" in told[1]) == ("energy", False)
    wrong = import_file(file(f"{LINE},magic", header=header), by=None, now=NOW)
    assert wrong.errors[0].startswith("line 2: sector: 'magic' is not empty or one of ")
