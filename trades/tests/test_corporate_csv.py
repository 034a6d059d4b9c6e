"""Corporate actions from a file: all lines or none, none twice, and every mistake by its line."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.errors import Forbidden
from bengi.events.models import Event
from instruments.models import CorporateAction
from instruments.tests.factories import InstrumentFactory
from trades.corporate.csv_file import COLUMNS, import_actions
from trades.corporate.proposals import cancel_action
from trades.tests.world import START

pytestmark = pytest.mark.django_db

HEADER = ",".join(COLUMNS)
GOOD = """
v-1,AAPL,XNAS,split,7:1,,,,,2026-06-09,,,seven for one
v-2,KO,XNYS,cash_dividend,,,0.515,USD,,2026-06-12,2026-06-12,2026-07-01,
v-3,PNNY,XNAS,reverse_split,1:10,0.55,,,,2026-06-10,,,
v-4,VOD,XLON,cash_dividend,,,0.0225,GBP,0,2026-06-04,,2026-08-01,
"""


@pytest.fixture
def staff():
    for symbol, mic in (("AAPL", "XNAS"), ("KO", "XNYS"), ("PNNY", "XNAS"), ("VOD", "XLON")):
        InstrumentFactory(symbol=symbol, mic=mic)
    return UserFactory(is_staff=True, email="desk@bengi.example")


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "actions.csv"

    def write(lines: str, header: str = HEADER) -> Path:
        path.write_text(f"{header}\n{lines.strip()}\n", encoding="utf-8")
        return path

    return write


def test_a_file_proposes_its_lines(staff, file) -> None:
    done = import_actions(file(GOOD), staff, now=START)
    assert (len(done.actions), done.skipped, done.errors) == (4, 0, [])
    split, dividend, reverse, untaxed = CorporateAction.objects.order_by("external_id")
    assert (split.kind, str(split.ratio), split.ex_date, split.note) == (
        "split",
        "7:1",
        date(2026, 6, 9),
        "seven for one",
    )
    assert (dividend.amount, dividend.currency, dividend.withholding_rate) == (
        Decimal("0.515"),
        "USD",
        Decimal("0.30"),
    )
    assert (dividend.record_date, dividend.pay_date) == (date(2026, 6, 12), date(2026, 7, 1))
    assert (str(reverse.ratio), reverse.cash_in_lieu_price) == ("1:10", Decimal("0.55"))
    assert (untaxed.withholding_rate, untaxed.instrument.mic) == (0, "XLON")
    assert {each.status for each in done.actions} == {"proposed"}
    assert {each.requested_by for each in done.actions} == {staff.id}
    assert Event.objects.filter(type="corporate_action.proposed").count() == 4


def test_a_file_may_come_again_and_grow(staff, file) -> None:
    import_actions(file(GOOD), staff, now=START)
    more = GOOD + "v-5,AAPL,XNAS,cash_dividend,,,0.25,USD,,2026-08-10,,2026-08-14,\n"
    done = import_actions(file(more), staff, now=START)
    assert (len(done.actions), done.skipped, done.errors) == (1, 4, [])
    again = import_actions(file(more), staff, now=START)
    assert (len(again.actions), again.skipped, again.errors) == (0, 5, [])
    assert CorporateAction.objects.count() == 5
    assert Event.objects.count() == 5


def test_a_canceled_line_stays_canceled(staff, file) -> None:
    import_actions(file(GOOD), staff, now=START)
    cancel_action(CorporateAction.objects.get(external_id="v-1").id, staff, now=START)
    done = import_actions(file(GOOD), staff, now=START)
    assert (len(done.actions), done.skipped) == (0, 4)


# line of the file | what is said of it
MISTAKES = """
v-1,AAPL,XNAS,split,7:1,,,,,2026-06-31,,, | ex_date: '2026-06-31' is not a date, YYYY-MM-DD
v-1,AAPL,XNAS,split,7/1,,,,,2026-06-09,,, | ratio: '7/1' is not new shares for old ones, as 7:1
v-1,AAPL,XNAS,split,٧:1,,,,,2026-06-09,,, | ratio: '٧:1' is not new shares for old ones, as 7:1
v-1,AAPL,XNAS,fork,7:1,,,,,2026-06-09,,, | kind: 'fork' is not split, reverse_split or cash_dividend
v-1,AAPL,XNAS,,7:1,,,,,2026-06-09,,, | kind: it is missing
v-1,AAPL,XNAS,split,7:1,,,,,,,, | ex_date: it is missing
,AAPL,XNAS,split,7:1,,,,,2026-06-09,,, | external_id: it is missing
v-1,NOPE,XNAS,split,7:1,,,,,2026-06-09,,, | symbol: there is no NOPE at XNAS
v-1,AAPL,,split,7:1,,,,,2026-06-09,,, | symbol: there is no AAPL at no exchange
v-1,AAPL,XNAS,split,1:7,,,,,2026-06-09,,, | ratio_to: A split leaves more shares.
v-1,AAPL,XNAS,split,7:1,,,,,2026-03-02,,, | ex_date: 2026-03-02 has begun
v-1,KO,XNYS,cash_dividend,,,-1,USD,,2026-06-09,,2026-06-10, | amount: '-1' is not a plain number
v-1,KO,XNYS,cash_dividend,,,1e2,USD,,2026-06-09,,2026-06-10, | amount: '1e2' is not a plain number
v-1,KO,XNYS,cash_dividend,,,1,USD,,2026-06-09,,, | pay_date: A dividend is paid on its ex-date
v-1,AAPL,XNAS,split,7:1 | 5 cells instead of 13
"""


@pytest.mark.parametrize("line", MISTAKES.strip().splitlines())
def test_a_mistake_is_told_by_its_line(staff, file, line: str) -> None:
    text, said = (part.strip() for part in line.split(" | "))
    done = import_actions(file(text), staff, now=START)
    (error,) = done.errors
    assert error.startswith(f"line 2: {said}")
    assert done.actions == []


def test_one_mistake_keeps_all_lines_out_and_all_mistakes_are_told(staff, file) -> None:
    lines = (
        GOOD
        + "v-5,NOPE,XNAS,split,x,,,,,2026-06-09,,,\nv-6,AAPL,XNAS,split,2:1,,,,,2026-06-09,,,\n"
    )
    done = import_actions(file(lines), staff, now=START)
    assert done.errors == [
        "line 6: ratio: 'x' is not new shares for old ones, as 7:1",
        "line 6: symbol: there is no NOPE at XNAS",
        "line 7: ex_date: AAPL has the same split on 2026-06-09 already.",
    ]
    assert not CorporateAction.objects.exists()


def test_a_line_that_has_changed_is_no_line_again(staff, file) -> None:
    import_actions(file(GOOD), staff, now=START)
    changed = GOOD.replace("7:1", "5:1").replace("0.515", "0.52")
    done = import_actions(file(changed), staff, now=START)
    assert done.errors == [
        "line 2: ratio_to: it was imported as 7",
        "line 3: amount: it was imported as 0.51500000",
    ]
    assert str(CorporateAction.objects.get(external_id="v-1").ratio) == "7:1"


def test_the_same_id_twice_in_a_file(staff, file) -> None:
    lines = "v-1,AAPL,XNAS,split,7:1,,,,,2026-06-09,,,\nv-1,KO,XNYS,split,2:1,,,,,2026-06-09,,,"
    done = import_actions(file(lines), staff, now=START)
    assert done.errors == ["line 3: external_id: v-1 has been entered already."]


def test_a_file_that_is_none(staff, file, tmp_path: Path) -> None:
    done = import_actions(file("", header="a,b"), staff, now=START)
    assert done.errors == [f"line 1: the columns must be {HEADER}"]
    missing = import_actions(tmp_path / "nothing.csv", staff, now=START)
    assert "cannot be read" in missing.errors[0]
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    assert "cannot be read" in import_actions(binary, staff, now=START).errors[0]


def test_only_staff_import(file, staff) -> None:
    with pytest.raises(Forbidden):
        import_actions(file(GOOD), UserFactory(), now=START)


def test_the_command(file, staff, capsys) -> None:
    clock.use(lambda: START)
    try:
        call_command("import_corporate_actions", str(file(GOOD)), by="DESK@bengi.example")
        assert capsys.readouterr().out == (
            "4 proposed, 0 there already. Another of staff has to approve them.\n"
        )
        with pytest.raises(CommandError, match="1 errors; nothing has been imported"):
            call_command("import_corporate_actions", str(file("x")), by=staff.email)
        assert "line 2: 1 cells instead of 13" in capsys.readouterr().err
        with pytest.raises(CommandError, match="nobody with the address"):
            call_command("import_corporate_actions", str(file(GOOD)), by="nobody@bengi.example")
        with pytest.raises(CommandError, match="Only staff"):
            call_command(
                "import_corporate_actions",
                str(file(GOOD.replace("v-", "w-"))),
                by=UserFactory().email,
            )
    finally:
        clock.reset()
