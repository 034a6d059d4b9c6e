"""The books' checks bite: each kind of damage is seen by the check that is there for it."""

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from accounts.models import (
    Account,
    CashBalance,
    Conversion,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerEntry,
    LedgerTransaction,
    RegulatoryRate,
    UnsettledCash,
    UnsettledUse,
)
from accounts.tests.money_stage import move_some_money
from bengi import books
from bengi.books import CHECKS, check_books
from bengi.events.models import Event
from bengi.replay import differences, fold_log
from bengi.terms import AlertKind
from instruments.models import CorporateAction, Instrument
from orders.models import Order
from portfolios.models import (
    DividendEntitlement,
    Lot,
    LotClosing,
    LotSplit,
    Position,
    PositionSplit,
)
from trades.corporate.due import apply_due
from trades.models import Trade, TradeCorrection
from trades.tests.corporate_stage import MIDNIGHT, dividend, split
from trades.tests.damage import DAMAGE, everywhere, first_of
from trades.tests.desk import correct_a_little
from trades.tests.world import World, assert_books_are_clean, open_world
from watchlists.firing import fire
from watchlists.services import set_alert
from watchlists.tests.factories import print_of

pytestmark = pytest.mark.django_db
CENT = Decimal("0.01")


def live_a_little(world: World) -> None:
    """Two lots, one sale through both, a match between customers, open orders on both sides."""
    RegulatoryRate.objects.create(code="taf", effective_from=date(2026, 1, 1), per_share="0.0002")
    trader, other = world.trader(), world.trader()
    abc = world.instrument()
    world.tick(abc, "10.00", "10.10", last="10.10")
    world.place(trader, abc, "buy", 10)
    world.place(trader, abc, "buy", 10)
    world.place(trader, abc, "sell", 15)
    world.place(other, abc, "buy", 5, limit="10.05", tif="gtc")
    world.place(trader, abc, "sell", 2, limit="10.05")
    world.place(trader, abc, "sell", 2, limit="10.50")
    world.place(other, abc, "buy", 1, limit="9.50", tif="ioc")
    world.place(other, abc, "buy", 1, trail="0.50", tif="gtc")
    asked = world.place(other, abc, "buy", 3, limit="9.40", tif="gtc")
    world.replace(other, asked, quantity=Decimal(4))
    picker = world.trader()
    world.place(picker, abc, "buy", 4)
    world.place(picker, abc, "buy", 4)
    younger = Lot.objects.filter(portfolio=picker.portfolio).order_by("-id")[0]
    world.place(picker, abc, "sell", 3, limit="10.50", tif="gtc", lots=[(younger, 3)])
    day_trader = world.trader(cash="110")
    world.place(day_trader, abc, "buy", 10)
    world.place(day_trader, abc, "sell", 10)
    world.place(day_trader, abc, "buy", 9)
    world.place(day_trader, abc, "sell", 4)
    grouper = world.trader()
    world.place(grouper, abc, "buy", 6, profit="11", loss="9")
    world.place(grouper, abc, "buy", 4, limit="9.90", profit="11", loss="9", tif="gtc")
    world.place(grouper, abc, "buy", 3)
    world.place(grouper, abc, "sell", 3, limit="11", loss="9.50", tif="gtc")
    spender = world.trader()
    world.place(spender, abc, "buy", notional="55.55")
    move_some_money(other.account, world.now)
    correct_a_little(world)
    split_and_pay(world)
    be_told(world)


def be_told(world: World) -> None:
    """An alert waits for a print above, and one comes."""
    person, tel = world.trader().user, world.instrument("TEL")
    terms = {"price": Decimal(11), "percent": None, "note": ""}
    alert = set_alert(person, tel.symbol, AlertKind.ABOVE, **terms, now=world.now)
    at = world.now + timedelta(seconds=1)
    assert fire({alert.id: [print_of(tel, "11.00", at)]}, at)


def split_and_pay(world: World) -> None:
    """Somebody holds 9 shares in two lots over a dividend and a split of 3 for 2."""
    spl = world.instrument("SPL")
    world.tick(spl, "70.00", "70.10", last="70.10")
    holder = world.trader()
    world.place(holder, spl, "buy", 5)
    world.place(holder, spl, "buy", 5)
    world.place(holder, spl, "sell", 1)
    world.place(holder, spl, "sell", 2, limit="75.00", tif="gtc")
    dividend(spl, "1.00")
    split(spl, 3, 2)
    apply_due(MIDNIGHT + timedelta(days=2))


PARTS = 4


@contextlib.contextmanager
def damaged(damage: Callable[[], None]) -> Iterator[None]:
    """Let a damage be done, and undo it."""
    with transaction.atomic():
        damage()
        yield
        transaction.set_rollback(True)


def test_every_check_has_its_damage() -> None:
    assert set(DAMAGE) == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize("part", range(PARTS))
def test_damage_is_seen(part: int) -> None:
    """The same small world for many kinds of damage: it takes longer to make than to look at."""
    with open_world() as world:
        live_a_little(world)
    assert_books_are_clean()
    unseen = []
    for name in sorted(DAMAGE)[part::PARTS]:
        for number, damage in enumerate(DAMAGE[name]):
            with damaged(damage):
                unseen += [(name, number)] * (not check_books()[name])
    assert unseen == []
    assert_books_are_clean()


FORGERIES: list[Callable[[], None]] = [
    everywhere(Order, reason="forged"),
    everywhere(Order, realism="instant"),
    everywhere(Account, realism="instant"),
    everywhere(Instrument, status="halted"),
    everywhere(Trade, price=F("price") + CENT),
    everywhere(Lot, remaining_cost=F("remaining_cost") - CENT),
    everywhere(LotClosing, proceeds=F("proceeds") + CENT),
    everywhere(CashBalance, amount=F("amount") + CENT),
    everywhere(LedgerEntry, amount=F("amount") + CENT),
    everywhere(Position, quantity=F("quantity") + 1),
    everywhere(UnsettledCash, remaining_amount=F("remaining_amount") - CENT),
    everywhere(UnsettledUse, amount=F("amount") - CENT),
    everywhere(GoodFaithViolation, amount=F("amount") - CENT),
    everywhere(LedgerTransaction, description="forged"),
    everywhere(Conversion, rate=Decimal("1.09")),
    everywhere(LedgerAdjustment, reason="forged"),
    everywhere(CorporateAction, note="forged"),
    everywhere(PositionSplit, price=F("price") + CENT),
    everywhere(LotSplit, shift=CENT),
    everywhere(DividendEntitlement, quantity=F("quantity") + 1),
    everywhere(TradeCorrection, reason="forged"),
    first_of(Order.objects.exclude(busted_quantity=0), busted_quantity=1),
    lambda: Lot.objects.exclude(busted_by=None).update(busted_by=None) and None,
    lambda: GoodFaithViolation.objects.exclude(busted_by=None).update(busted_by=None) and None,
]


def test_tables_that_left_the_log_are_seen() -> None:
    with open_world() as world:
        live_a_little(world)
    assert list(differences(fold_log())) == []
    unseen = []
    for number, forgery in enumerate(FORGERIES):
        with damaged(forgery):
            unseen += [number] * (list(differences(fold_log())) == [])
    assert unseen == []
    assert list(differences(fold_log())) == []


@pytest.mark.parametrize("command", ["check_books", "replay_events"])
def test_the_commands_end_with_an_error(command: str) -> None:
    with open_world() as world:
        live_a_little(world)
    call_command(command, stdout=_Nowhere())
    LedgerEntry.objects.update(amount=F("amount") + CENT)
    with pytest.raises(CommandError, match="lines differ"):
        call_command(command, stdout=_Nowhere())


def test_a_log_with_a_hole_is_read_to_its_end() -> None:
    """What builds on an event that is gone is named, and so is everything else that differs."""
    with open_world() as world:
        live_a_little(world)
    lot = LotClosing.objects.earliest("id").lot
    opening = Event.objects.get(type="trade.executed", payload__lot__id=str(lot.id))
    opening.delete()
    lines = list(differences(fold_log()))
    holes = [line for line in lines if line.startswith("cannot be folded: ")]
    assert holes
    assert all(str(lot.id) in line for line in holes)
    assert any(line.startswith("tables only: trade") for line in lines)
    with pytest.raises(CommandError, match="lines differ"):
        call_command("replay_events", stdout=_Nowhere())


def test_the_page_names_every_check_and_every_number_of_the_code() -> None:
    page = (Path(books.__file__).parent.parent / "docs" / "invariants.md").read_text()
    numbers = set(re.findall(r"^\| (\d+) \|", page, re.MULTILINE))
    for check in CHECKS:
        assert f"`{check.__name__}`" in page
        named = re.match(r"\[([\d, ]+)\]", check.__doc__ or "")
        assert named is not None
        assert set(named[1].split(", ")) <= numbers


class _Nowhere:
    def write(self, _text: str) -> None:
        """Take what a command prints and forget it."""
