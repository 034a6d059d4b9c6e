"""The real broker as the state machine drives it: services, one engine, and the bus between them.

What can then be read of it is in tests/state/reading.py.
"""

from collections.abc import Callable
from copy import copy
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce

from accounts.conversions import convert
from accounts.models import Account, FeeSchedule, User
from accounts.services import deposit, open_account, set_realism, withdraw
from accounts.standing import freeze, release
from bengi.bus import TICKS, get_bus
from bengi.errors import BengiError
from bengi.onboarding import sign_up
from bengi.terms import (
    CorporateActionKind,
    CostBasisMethod,
    InstrumentStatus,
    OrderClass,
    OrderType,
    Realism,
    Side,
    TimeInForce,
)
from instruments import calendar, days
from instruments.adjusting import adopt_quotes
from instruments.board import board
from instruments.calendar import Calendar, SpecialDay
from instruments.corporate_actions import splits_known
from instruments.halts import set_status
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.services import flush_quotes, record_quotes
from orders.halts import halt_trading, resume_trading
from orders.legs import StopLoss, TakeProfit
from orders.models import Order, TradingHalt
from orders.replacing import request_replace
from orders.services import place_order, request_cancel
from orders.tickets import OrderTicket
from portfolios.bar import read_bar
from portfolios.models import Portfolio
from portfolios.services import change_portfolio
from tests.state.plain_actions import PlainAction
from tests.state.plain_terms import PlainTick, Ticket
from trades.corporate.due import apply_due
from trades.corporate.proposals import approve_action, propose
from trades.corporate.terms import ActionTerms
from trades.corrections import approve, ask_bust
from trades.engine import Engine, Fenced
from trades.manual import ManualFill, execute
from trades.models import Shard
from trades.selectors import standing_trades
from trades.session import SessionHours

D = Decimal
FIELDS = {
    "tif": "time_in_force",
    "limit": "limit_price",
    "stop": "stop_price",
    "trail": "trail_price",
}
"""What the model calls otherwise than the product."""

CARRIED_ON = "split-"
"""How the key of an order begins that stands for the rest of another since a split."""


class Product:
    """One process at work; the model's names stand for rows. start() comes first, stop() last."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.accounts: dict[str, UUID] = {}
        self.portfolios: dict[str, UUID] = {}
        self.instruments: dict[str, Instrument] = {}
        self.paused: tuple[Engine, int, int] | None = None
        self.has_books = False
        self.days_for_issuers: list[datetime] = []
        staff = {"is_staff": True, "is_superuser": True}
        self.dealer = User.objects.create(email="dealer@bengi.example", **staff)
        self.second_dealer = User.objects.create(email="second@bengi.example", **staff)

    def copy(self) -> "Product":
        """Return a product of its own, that may come to know more people."""
        twin = copy(self)
        twin.users, twin.accounts = dict(self.users), dict(self.accounts)
        twin.portfolios, twin.days_for_issuers = dict(self.portfolios), []
        return twin

    def start(self) -> None:
        """Start a process: nothing is remembered, and the engine hears the bus from now on."""
        board.clear()
        self._calendar = calendar.in_use()
        calendar.use(Calendar(self._calendar.facts, self._calendar.overrides))
        self.engine, self.has_books = self._new_engine(), False
        self._unsubscribe = get_bus().subscribe(TICKS, self._on_ticks)

    def stop(self) -> None:
        self._unsubscribe()
        self.paused = None
        board.clear()
        calendar.use(self._calendar)

    # --- people and money; whoever asks for something gets the codes of what speaks against it

    def open_account(self, name: str, schedule: FeeSchedule, profile: str, now: datetime) -> None:
        user = User.objects.create(email=f"{name}@bengi.example")
        terms = {"schedule": schedule, "realism": Realism(profile)}
        account = open_account(user, name=name, currency="USD", now=now, **terms)
        portfolio = Portfolio.objects.create(account=account, name=name)
        self._know(name, user, portfolio)

    def register(self, name: str, now: datetime) -> None:
        """Sign somebody up at the door, with all that a new trader gets."""
        user = sign_up(f"{name}@bengi.example", name, "correct horse battery", now=now)
        self._know(name, user, Portfolio.objects.get(account__user=user))

    def _know(self, name: str, user: User, portfolio: Portfolio) -> None:
        self.users[name] = user
        self.accounts[name], self.portfolios[name] = portfolio.account_id, portfolio.id

    def deposit(self, name: str, amount: Decimal, key: str, now: datetime) -> set[str]:
        account = Account.objects.select_related("user").get(id=self.accounts[name])
        return _codes(lambda: deposit(account, amount, "USD", key=key, now=now))

    def withdraw(self, name: str, amount: Decimal, key: str, now: datetime) -> set[str]:
        account = self.accounts[name]
        return _codes(lambda: withdraw(account, amount, "USD", key=key, now=now))

    def convert(self, name: str, amount: Decimal, into: str, key: str, now: datetime) -> set[str]:
        source = "EUR" if into == "USD" else "USD"
        account = self.accounts[name]
        return _codes(lambda: convert(account, source, into, amount, key=key, now=now))

    def equity(self, name: str, now: datetime) -> Decimal | None:
        return read_bar(self.users[name], now).equity

    def freeze(self, name: str, is_frozen: bool, now: datetime) -> None:
        act = freeze if is_frozen else release
        act(self.accounts[name], by=None, reason="Looked into", now=now)

    def set_method(self, name: str, method: str, now: datetime) -> set[str]:
        whose, chosen = (self.portfolios[name], self.users[name]), CostBasisMethod(method)
        return _codes(lambda: change_portfolio(*whose, now=now, cost_basis_method=chosen))

    def set_profile(self, name: str, profile: str, now: datetime) -> None:
        set_realism(self.accounts[name], Realism(profile), by=self.users[name], now=now)

    # --- orders

    def place(self, ticket: Ticket, now: datetime) -> set[str]:
        order = OrderTicket(
            account_id=self.accounts[ticket.account],
            portfolio_id=self.portfolios[ticket.account],
            symbol=ticket.symbol,
            side=Side(ticket.side),
            type=OrderType(ticket.type),
            time_in_force=TimeInForce(ticket.tif),
            quantity=ticket.quantity,
            limit_price=ticket.limit,
            stop_price=ticket.stop,
            trail_price=ticket.trail,
            trail_percent=ticket.trail_percent,
            expires_at=ticket.expires_at,
            client_order_id=ticket.key,
            confirm_duplicate=ticket.is_meant,
            order_class=OrderClass(ticket.kind or "simple"),
            take_profit=_take_profit(ticket),
            stop_loss=_stop_loss(ticket),
        )
        return _codes(lambda: place_order(order, now=now))

    def replace(
        self, account: str, key: str, changes: dict[str, Any], new_key: str, now: datetime
    ) -> set[str]:
        order, user = self._order(account, key), self.users[account]
        asked = {FIELDS.get(name, name): value for name, value in changes.items()}
        return _codes(lambda: request_replace(order, user, asked, key=new_key, now=now))

    def cancel(self, account: str, key: str, now: datetime) -> set[str]:
        order, user = self._order(account, key), self.users[account]
        return _codes(lambda: request_cancel(order, user, now=now))

    def _order(self, account: str, key: str) -> UUID:
        """Return an order's id.

        What carries on after a split goes by the name of who it was, a leg by that of its group.
        """
        if key.startswith(CARRIED_ON):
            before = self._order(account, key.removeprefix(CARRIED_ON))
            rows = Order.objects.filter(replaces=before, client_order_id__startswith=CARRIED_ON)
        elif "/" in key:
            whole, leg = key.split("/")
            rows = Order.objects.filter(group_id=self._order(account, whole), leg=leg)
            rows = rows.exclude(client_order_id__startswith=CARRIED_ON)
        else:
            rows = Order.objects.filter(account_id=self.accounts[account], client_order_id=key)
        return rows.values_list("id", flat=True).get()

    # --- staff

    def halt(self, symbol: str, is_halted: bool, now: datetime) -> None:
        status = InstrumentStatus("halted" if is_halted else "active")
        set_status(self.instruments[symbol].id, status, by="staff", now=now)

    def stop_trading(self, name: str | None, cancels: bool, now: datetime) -> None:
        """Throw the kill switch, for one or for all, and ask open orders to go where it says so."""
        whom = None if name is None else self.accounts[name]
        halt_trading(self.dealer, reason="Model.", now=now, account_id=whom, cancel_orders=cancels)

    def resume_trading(self, now: datetime) -> None:
        for halt in TradingHalt.objects.filter(lifted_at=None):
            resume_trading(halt.id, self.dealer, now=now)

    def agree(self, action: PlainAction, now: datetime) -> set[str]:
        """Let one of staff enter what an issuer does and another approve it."""
        kinds = {False: "split", True: "reverse_split"}
        if action.is_split:
            ratio = {"ratio_to": action.new, "ratio_from": action.old}
            wishes: dict[str, Any] = {**ratio, "cash_in_lieu_price": action.worth}
        else:
            pay = {"pay_date": action.pay_day, "withholding_rate": action.tax}
            wishes = {"amount": action.amount, "currency": "USD", **pay}
        kind = kinds[action.is_reverse] if action.is_split else "cash_dividend"
        terms = ActionTerms(CorporateActionKind(kind), action.day, **wishes)
        symbol, second = self.instruments[action.symbol], self.second_dealer

        def both() -> None:
            asked = propose(self.dealer, symbol, terms, now=now)
            approve_action(asked.id, second, now=now)

        codes = _codes(both)
        if not codes:
            self.days_for_issuers += [each for each in (action.at, action.pays_at) if each]
        return codes

    def bust(self, name: str, key: str, place: int, now: datetime) -> set[str]:
        """Let one of staff ask for an order's trade to be taken back, and another approve it."""
        order = self._order(name, key)
        trades = standing_trades().filter(order=order)
        trade = trades.order_by(Coalesce("corrects_id", "exec_id"))[place]

        def both() -> None:
            with transaction.atomic():
                asked = ask_bust(self.dealer, trade.exec_id, reason="Model.", now=now)
                approve(asked.id, self.second_dealer, now=now)

        return self._overtaking(both)

    def execute(
        self, name: str, key: str, quantity: Decimal, price: Decimal, once: str, now: datetime
    ) -> set[str]:
        """Let one of staff fill an order by hand."""
        wanted = ManualFill(self._order(name, key), quantity, price, "Model.")
        return self._overtaking(lambda: execute(self.dealer, wanted, key=once, now=now))

    def _overtaking(self, act: Callable[[], Any]) -> set[str]:
        """Write to the shard beside its engine, which finds out and builds its books anew."""
        codes = _codes(act)
        if not codes:
            self.restart()
        return codes

    def override(self, symbol: str, day: date, closes: time | None, now: datetime) -> None:
        """Let an exchange close at another time on a day, or not open at all."""
        hours = SpecialDay(time(9, 30), closes) if closes else SpecialDay()
        days.override_day(self.instruments[symbol].mic, day, hours, by="staff", now=now)
        if days.refresh_overrides():  # the commit that would do so never comes here
            self.has_books = False

    # --- what the market and the processes do

    def record(self, tick: PlainTick) -> None:
        record_quotes([self._tick(tick)])

    def deliver_again(self, tick: PlainTick) -> None:
        self.engine.on_ticks([self._tick(tick)])

    def drain(self, now: datetime) -> None:
        """Let the engine work, and where issuers have a say the feed and their clock as well."""
        is_a_day_for_issuers = any(moment <= now for moment in self.days_for_issuers)
        if is_a_day_for_issuers:
            flush_quotes()
        self.engine.drain(now)
        self.has_books = True
        if is_a_day_for_issuers:
            apply_due(now)
            adopt_quotes(splits_known())
            self.days_for_issuers = [each for each in self.days_for_issuers if each > now]

    def restart(self) -> None:
        self.engine.forget()
        self.has_books = False

    def take_over(self, now: datetime) -> None:
        """A second engine takes the shard; the first is paused, and still hears the bus.

        One that has to build its books anyway is as good as new and cannot be overtaken.
        """
        if self.has_books:
            self.paused = (self.engine, self.version(), calendar.in_use().edition)
        self.engine = self._new_engine()
        self.drain(now)

    def wake_paused(self, now: datetime) -> bool:
        """Let the paused engine work once. It must be fenced, or have nothing to say.

        Returns False when nobody has written meanwhile, or when it has to build its books anew:
        then it may work as if never paused.
        """
        assert self.paused is not None
        (engine, version, edition), self.paused = self.paused, None
        if version == self.version() or edition != calendar.in_use().edition:
            return False
        try:
            decided = engine.drain(now)
        except Fenced:
            return True
        assert decided == 0, "an engine that was overtaken booked something"
        return True

    def version(self) -> int:
        return Shard.objects.filter(id=0).values_list("version", flat=True).first() or 0

    def _on_ticks(self, ticks: list[Tick]) -> None:
        self.engine.on_ticks(ticks)
        if self.paused:
            self.paused[0].on_ticks(ticks)

    def _new_engine(self) -> Engine:
        return Engine(0, hours=SessionHours("exchange"))

    def _tick(self, tick: PlainTick) -> Tick:
        return Tick(
            symbol=tick.symbol,
            instrument_id=str(self.instruments[tick.symbol].id),
            shard=0,
            bid=tick.bid,
            ask=tick.ask,
            bid_size=tick.bid_size,
            ask_size=tick.ask_size,
            last=tick.last,
            last_size=tick.printed,
            volume=D(1),
            day_open=tick.low,
            day_high=tick.high,
            day_low=tick.low,
            previous_close=None,
            as_of=tick.as_of,
            source="model",
            is_new_quote=tick.is_new_quote,
            is_new_print=tick.is_new_print,
        )


def _take_profit(ticket: Ticket) -> TakeProfit | None:
    if ticket.kind == "oco":
        return TakeProfit(ticket.limit)
    wanted = [leg.limit for leg in ticket.legs if leg.name == "take_profit"]
    return TakeProfit(*wanted) if wanted else None


def _stop_loss(ticket: Ticket) -> StopLoss | None:
    wanted = [leg for leg in ticket.legs if leg.name == "stop_loss"]
    return StopLoss(wanted[0].stop, wanted[0].limit, wanted[0].trail) if wanted else None


def _codes(act) -> set[str]:
    try:
        act()
    except BengiError as error:
        return {part.code for part in getattr(error, "errors", [error])}
    return set()
