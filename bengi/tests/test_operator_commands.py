"""The commands of operators: what each says, that it fails in one line, that twice is as once."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import (
    CommandError,
    ManagementUtility,
    call_command,
    get_commands,
)

from accounts.models import Account, User
from accounts.roles import grant, role_of
from accounts.tests.factories import OPENED_AT, PASSWORD, UserFactory
from accounts.tests.money_stage import cash, funded
from bengi.audit.models import AuditEntry
from bengi.management import operator
from instruments.models import Instrument
from instruments.tests.factories import InstrumentFactory
from orders.models import TradingHalt
from trades.tests.world import assert_books_are_clean
from watchlists.models import Watchlist

pytestmark = pytest.mark.django_db
ROOT = Path(operator.__file__).resolve().parents[2]
OURS = ("bengi", "instruments", "trades")


def run(name: str, *arguments: Any, **options: Any) -> str:
    """Run a command and return the one or two lines it printed."""
    out = io.StringIO()
    call_command(name, *map(str, arguments), stdout=out, **options)
    said = out.getvalue()
    assert 1 <= len(said.splitlines()) <= 2
    assert said.rstrip().endswith(".")
    return said.strip()


def fails(name: str, *arguments: Any) -> str:
    """Run a command that is refused; return its one line. It left no audit row."""
    before = AuditEntry.objects.count()
    with pytest.raises(CommandError) as refused:
        call_command(name, *map(str, arguments), stdout=io.StringIO(), stderr=io.StringIO())
    said = str(refused.value)
    assert len(said.splitlines()) == 1
    assert refused.value.returncode == 1
    assert AuditEntry.objects.count() == before
    return said


def noted() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.select_related("actor").order_by("id")
    return [(row.action, row.actor.email if row.actor else "-") for row in rows]


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))


@pytest.fixture
def admin() -> User:
    user = UserFactory(email="root@bengi.example")
    user.is_superuser = user.is_staff = True
    user.save()
    return user


def test_create_user_makes_somebody_who_can_trade(password: None) -> None:
    said = run("create_user", "Desk@bengi.example", "--name", "Desk", "--role", "dealer")
    assert said == "Created Desk@bengi.example as dealer, with an account to trade on."
    user = User.objects.get()
    assert (role_of(user), user.is_staff, user.check_password(PASSWORD)) == ("dealer", True, True)
    assert Account.objects.get().user == Watchlist.objects.get().user == user
    assert noted() == [("user.created", "-")]
    told = fails("create_user", "desk@bengi.example", "--name", "Again")
    assert told == "Desk@bengi.example is there already, as dealer."


def test_create_user_asks_twice_where_somebody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    typed = iter([PASSWORD, "another", PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    command = ("create_user", "a@bengi.example", "--name", "A")
    assert fails(*command) == "The two passwords differ."
    run(*command)
    assert role_of(User.objects.get()) == "trader"


def test_create_user_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "too short" in fails("create_user", "a@bengi.example", "--name", "A")
    assert fails("create_user", "nonsense", "--name", "A") == "nonsense is no e-mail address."
    with pytest.raises(CommandError, match="invalid choice: 'king'"):
        run("create_user", "a@bengi.example", "--name", "A", "--role", "king")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grant_role", "a@bengi.example", "king"], "invalid choice: 'king'"),
        (["kill_switch", "off"], "required: --by"),
        (["credit"], "required: account, amount, currency, --reason"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_1(
    arguments: list[str], said: str, capsys: Any
) -> None:
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", *arguments]).execute()
    out, err = capsys.readouterr()
    assert (ended.value.code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("CommandError: ")
    assert said in err


def test_no_command_takes_a_password_as_an_argument() -> None:
    for name in ours():
        parser = load(name).create_parser("manage.py", name)
        assert not [a.dest for a in parser._actions if "password" in a.dest]


def test_roles_are_granted_and_revoked_once(admin: User) -> None:
    user = UserFactory(email="a@bengi.example")
    by = ("--by", admin.email)
    assert "has the role dealer now" in run("grant_role", "A@bengi.example", "dealer", *by)
    assert "already; nothing changed" in run("grant_role", user.email, "dealer")
    assert "has the role dealer no more" in run("revoke_role", user.email, "dealer")
    assert "nothing changed" in run("revoke_role", user.email, "dealer")
    assert noted() == [("role.granted", admin.email), ("role.revoked", "-")]


@pytest.mark.parametrize("name", ["grant_role", "revoke_role"])
def test_roles_of_nobody_and_by_who_may_not(name: str) -> None:
    user, other = UserFactory(), UserFactory()
    assert fails(name, "b@bengi.example", "dealer") == (
        "There is nobody with the address b@bengi.example."
    )
    assert "takes a right" in fails(name, user.email, "dealer", "--by", other.email)
    assert "nobody with the address" in fails(name, user.email, "dealer", "--by", "x@y.example")


def test_revoke_sessions_of_one_or_of_all(client: Any) -> None:
    user = UserFactory()
    client.force_login(user)
    assert run("revoke_sessions", user.email) == f"1 sessions of {user.email} ended."
    assert run("revoke_sessions", user.email) == f"0 sessions of {user.email} ended."
    client.force_login(user)
    assert run("revoke_sessions", "--all") == "1 sessions of everybody ended."
    for arguments in ([], [user.email, "--all"]):
        said = fails("revoke_sessions", *arguments)
        assert said == "Name either an e-mail address or --all."
    assert "nobody" in fails("revoke_sessions", "b@bengi.example")


def test_credit_by_address_or_id_and_once_by_key() -> None:
    account = funded()
    email = account.user.email
    said = run("credit", email, "25.50", "USD", "--reason", "Prize", "--key", "prize-1")
    assert said == f"Credited 25.5 USD to {email}, account {account.id}. Cash: 1025.5 USD."
    said = run("credit", email, "25.50", "USD", "--reason", "Prize", "--key", "prize-1")
    assert said.startswith("Credited before, by the same key: 25.5 USD")
    run("credit", account.id, "1", "EUR", "--reason", "Trip")
    assert (cash(account), cash(account, "EUR")) == (1025.5, 1)
    assert noted() == [("cash.credited", "-")] * 2
    assert_books_are_clean()


def test_credit_refuses() -> None:
    account = funded()
    reason = ("--reason", "Prize")
    for amount in ("0", "0.001"):
        assert "must be above zero" in fails("credit", account.id, amount, "USD", *reason)
    for amount in ("1e3", "much"):
        assert "is no amount" in fails("credit", account.id, amount, "USD", *reason)
    assert "Say why" in fails("credit", account.id, "1", "USD", "--reason", " ")
    assert "There is no account 7" in fails("credit", "7", "1", "USD", *reason)
    assert "nobody" in fails("credit", "b@bengi.example", "1", "USD", *reason)
    by = UserFactory(is_staff=True).email
    assert "takes a right" in fails("credit", account.id, "1", "USD", *reason, "--by", by)
    funded(user=account.user)
    told = fails("credit", account.user.email, "1", "USD", *reason)
    assert "has 2 accounts; name one by its id: " in told
    run("credit", account.id, "1", "USD", *reason, "--key", "k")
    told = fails("credit", account.id, "2", "USD", *reason, "--key", "k")
    assert told
    assert cash(account) == 1001


CSV = """symbol,name,mic,type,currency,tick_size,quantity_step,exchange_step,has_feed
NEW,New Listing,XNYS,stock,USD,0.01,1,,yes
"""


def test_import_instruments_twice_and_dry(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(CSV)
    said = run("import_instruments", file, "--dry-run")
    assert said == "Dry run, nothing is written: 1 listed, 0 corrected, 0 as they were."
    assert not Instrument.objects.exists()
    assert run("import_instruments", file) == "1 listed, 0 corrected, 0 as they were."
    assert run("import_instruments", file) == "0 listed, 0 corrected, 1 as they were."
    assert noted() == [("instrument.listed", "-")]


def test_import_instruments_names_the_lines(tmp_path: Path) -> None:
    file, err = tmp_path / "list.csv", io.StringIO()
    file.write_text(CSV + "A,A,XXXX,stock,USD,0.01,1,,yes\nB,B,XNYS,stock,USD,0,1,,yes\n")
    with pytest.raises(CommandError, match="2 errors; nothing has been imported"):
        call_command("import_instruments", str(file), stderr=err)
    assert [line.split(":")[0] for line in err.getvalue().splitlines()] == ["line 3", "line 4"]
    assert not Instrument.objects.exists()
    file.write_text(CSV)
    by = UserFactory(is_staff=True).email
    assert "takes a right" in fails("import_instruments", file, "--by", by)


def test_export_statement_as_csv_and_json(tmp_path: Path) -> None:
    account, file = funded(), tmp_path / "out"
    days = ("--from", "2026-03-01", "--to", "2026-03-31")
    said = run("export_statement", account.user.email, file, *days)
    assert said == f"1 movements of {account.user.email} in USD written to {file}."
    assert "deposit" in file.read_text()
    run("export_statement", account.id, file, "--format", "json", "--currency", "USD")
    told = json.loads(file.read_text())
    assert (told["closing"], len(told["lines"])) == ("1000", 1)
    assert "0 movements" in run("export_statement", account.id, file, "--to", "2026-02-01")
    assert [action for action, _ in noted()] == ["statement.exported"] * 3


def test_export_statement_refuses(tmp_path: Path) -> None:
    account, file = funded(), tmp_path / "none" / "out"
    assert "cannot be written: No such file" in fails("export_statement", account.id, file)
    days = ("--from", "2026-03-02", "--to", "2026-03-01")
    assert fails("export_statement", account.id, file, *days) == "--to is before --from."
    assert "There is no account x" in fails("export_statement", "x", file)


def test_an_instrument_is_halted_and_resumed() -> None:
    made = InstrumentFactory(symbol="ABC")
    assert run("halt", "abc", "--reason", "News") == "ABC at XNAS is halted."
    assert (
        run("halt", "ABC", "--reason", "News") == "ABC at XNAS is halted already; nothing changed."
    )
    made.refresh_from_db()
    assert made.status == "halted"
    assert run("resume", "ABC.XNAS", "--reason", "Over") == "ABC at XNAS is trading again."
    assert "is active already" in run("resume", "ABC", "--reason", "Over")
    assert noted() == [("instrument.halted", "-"), ("instrument.resumed", "-")]


@pytest.mark.parametrize("name", ["halt", "resume"])
def test_halting_what_is_not_there_or_not_clear(name: str) -> None:
    why = ("--reason", "News")
    assert fails(name, "ABC", *why) == "There is no instrument ABC."
    for mic in ("XNAS", "XLON"):
        InstrumentFactory(symbol="ABC", mic=mic)
    assert "name one of ABC.XLON, ABC.XNAS" in fails(name, "ABC", *why)
    assert "Say why" in fails(name, "ABC.XNAS", "--reason", " ")
    Instrument.objects.update(status="delisted")
    assert "delisted for good" in fails(name, "ABC.XNAS", *why)


def test_the_kill_switch_of_everybody_and_of_one(admin: User) -> None:
    account, by = funded(), ("--by", admin.email)
    said = run("kill_switch", "on", "--reason", "Fire.", "--cancel-orders", *by)
    assert said == "New orders of everybody are refused, and open orders are asked to go."
    assert "is halted already: Fire." in run("kill_switch", "on", "--reason", "Again.", *by)
    assert run("kill_switch", "off", *by) == "Trading of everybody goes on."
    assert "nothing changed" in run("kill_switch", "off", *by)
    one = ("--account", account.user.email, *by)
    said = run("kill_switch", "on", "--reason", "Odd.", *one)
    assert said == f"New orders of account {account.id} are refused."
    assert TradingHalt.objects.get(lifted_at=None).account == account
    run("kill_switch", "off", *one)
    assert noted() == [("trading.halted", admin.email), ("trading.resumed", admin.email)] * 2
    assert_books_are_clean()


def test_the_kill_switch_refuses(admin: User) -> None:
    assert "Say why" in fails("kill_switch", "on", "--by", admin.email)
    with pytest.raises(CommandError, match="--by"):
        run("kill_switch", "off")
    trader = UserFactory()
    told = fails("kill_switch", "on", "--reason", "Fire.", "--by", trader.email)
    assert told == "Only staff halt trading."
    told = fails("kill_switch", "off", "--account", "x", "--by", admin.email)
    assert told == "There is no account x."


def test_a_dealer_throws_the_switch() -> None:
    dealer = UserFactory()
    grant(dealer, "dealer", by=None, now=OPENED_AT)
    run("kill_switch", "on", "--reason", "Fire.", "--by", dealer.email)
    assert TradingHalt.objects.get().halted_by == dealer


def ours() -> set[str]:
    return {name for name, app in get_commands().items() if app in OURS}


def load(name: str) -> Any:
    from django.core.management import load_command_class

    return load_command_class(get_commands()[name], name)


def test_the_page_has_every_command_with_all_that_it_takes() -> None:
    """docs/operating.md is compared with the code."""
    page = (ROOT / "docs" / "operating.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)([^`]*)` \|", page, re.MULTILINE))
    assert set(rows) == ours()
    for name, told in rows.items():
        parser = load(name).create_parser("manage.py", name)
        known = set(load(name).base_stealth_options)
        own = [a for a in parser._actions if a.dest not in DJANGOS | known]
        flags = {a.option_strings[-1] for a in own if a.option_strings}
        assert set(re.findall(r"--[a-z-]+", told)) == flags, name
        places = {a.dest.upper() for a in own if not a.option_strings}
        assert set(re.findall(r"\b[A-Z]+\b", told)) == places, name


DJANGOS = {
    *("help", "version", "verbosity", "settings", "pythonpath", "traceback"),
    *("no_color", "force_color", "skip_checks"),
}


def test_the_page_has_every_action_of_the_audit_log() -> None:
    """Each name that the code notes stands in docs/operating.md, and no other."""
    page = (ROOT / "docs" / "operating.md").read_text()
    section = page.split("\n## The audit log\n")[1].split("\n## ")[0]
    listed = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", section))
    assert listed == noted_in_code()


def noted_in_code() -> set[str]:
    """Return the first words of note() and Note(), and those that are put together."""
    from accounts.published import _NAMES
    from accounts.standing import _ACTIONS
    from bengi.tests.staff_deeds import DEEDS

    found = {action for action, _ in DEEDS.values()} | set(_ACTIONS.values())
    found |= {f"{name}.added" for name in _NAMES.values()}
    for app in ("accounts", "bengi", "instruments", "orders", "portfolios", "trades"):
        for path in (ROOT / app).rglob("*.py"):
            if not {"tests", "migrations"} & set(path.parts):
                text = path.read_text()
                found |= set(re.findall(r"\bnote\(\s*\"([a-z_]+\.[a-z_]+)\"", text))
                found |= set(re.findall(r"\bNote\(\s*\"([a-z_]+\.[a-z_]+)\"", text))
                found |= set(re.findall(r"\b_tell\(request, user, \"([a-z_]+\.[a-z_]+)\"", text))
    return found
