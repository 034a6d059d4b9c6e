"""The real broker as the state machine drives it: services, one engine, rows read plainly."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.conversions import convert
from accounts.models import Account, CashBalance, FeeSchedule, UnsettledCash, User
from accounts.services import deposit, open_account, withdraw
from bengi.books import check_books
from bengi.bus import TICKS, get_bus
from bengi.errors import BengiError
from bengi.replay import differences, fold_log
from bengi.terms import InstrumentStatus, OrderType, Side, TimeInForce
from instruments.board import board
from instruments.halts import set_status
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.services import record_quotes
from orders.models import Order
from orders.services import place_order, request_cancel
from orders.tickets import OrderTicket
from portfolios.models import Lot, LotClosing, Portfolio, Position
from tests.state.model import Ticket
from tests.state.plain_market import CLOSED, PlainTick
from trades.engine import Engine, Fenced
from trades.models import Shard, Trade
from trades.session import SessionHours

D = Decimal
COLUMNS = [
    *("id", "account_id", "client_order_id", "status", "triggered_at", "filled_quantity"),
    *("filled_value", "reserved", "commission", "fees"),
    *("instrument_id", "side", "type", "time_in_force", "limit_price", "priority"),
]


class Product:
    """One process at work; the model's names stand for rows. start() comes first, stop() last."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.accounts: dict[str, UUID] = {}
        self.portfolios: dict[str, UUID] = {}
        self.instruments: dict[str, Instrument] = {}
        self.paused: tuple[Engine, int] | None = None
        self.resting: list[tuple] = []

    # --- the stage

    def open_account(self, name: str, schedule: FeeSchedule, now: datetime) -> None:
        user = User.objects.create(email=f"{name}@bengi.example")
        account = open_account(user, name=name, currency="USD", now=now, schedule=schedule)
        portfolio = Portfolio.objects.create(account=account, name=name)
        self.users[name], self.accounts[name] = user, account.id
        self.portfolios[name] = portfolio.id

    def start(self) -> None:
        """Start a process: an engine without a memory, that hears the bus from now on."""
        board.clear()
        self.engine = self._new_engine()
        self._unsubscribe = get_bus().subscribe(TICKS, self._on_ticks)

    def stop(self) -> None:
        self._unsubscribe()
        self.paused = None
        board.clear()

    def _on_ticks(self, ticks: list[Tick]) -> None:
        self.engine.on_ticks(ticks)
        if self.paused:
            self.paused[0].on_ticks(ticks)

    def _new_engine(self) -> Engine:
        return Engine(0, hours=SessionHours("exchange"))

    # --- what people do; each answers with the codes of what speaks against it

    def deposit(self, name: str, amount: Decimal, key: str, now: datetime) -> None:
        account = Account.objects.select_related("user").get(id=self.accounts[name])
        deposit(account, amount, "USD", key=key, now=now)

    def withdraw(self, name: str, amount: Decimal, key: str, now: datetime) -> set[str]:
        account = self.accounts[name]
        return _codes(lambda: withdraw(account, amount, "USD", key=key, now=now))

    def convert(self, name: str, amount: Decimal, into: str, key: str, now: datetime) -> set[str]:
        source = "EUR" if into == "USD" else "USD"
        account = self.accounts[name]
        return _codes(lambda: convert(account, source, into, amount, key=key, now=now))

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
            client_order_id=ticket.key,
            confirm_duplicate=True,
        )
        return _codes(lambda: place_order(order, now=now))

    def cancel(self, account: str, key: str, now: datetime) -> set[str]:
        order = Order.objects.get(account_id=self.accounts[account], client_order_id=key)
        return _codes(lambda: request_cancel(order.id, self.users[account], now=now))

    def halt(self, symbol: str, is_halted: bool, now: datetime) -> None:
        status = InstrumentStatus("halted" if is_halted else "active")
        set_status(self.instruments[symbol].id, status, by="model", now=now)

    # --- what the market and the processes do

    def record(self, tick: PlainTick) -> None:
        record_quotes([self._tick(tick)])

    def deliver_again(self, tick: PlainTick) -> None:
        self.engine.on_ticks([self._tick(tick)])

    def restart(self) -> None:
        self.engine.forget()

    def take_over(self, now: datetime) -> None:
        """A second engine takes the shard; the first is paused, and still hears the bus."""
        self.paused = (self.engine, self.version())
        self.engine = self._new_engine()
        self.engine.drain(now)

    def wake_paused(self, now: datetime) -> bool:
        """Let the paused engine work once. It must be fenced, or have nothing to say.

        Returns False when nobody has written meanwhile: then it may work as if never paused.
        """
        assert self.paused is not None
        (engine, version), self.paused = self.paused, None
        if version == self.version():
            return False
        try:
            decided = engine.drain(now)
        except Fenced:
            return True
        assert decided == 0, "an engine that was overtaken booked something"
        return True

    def version(self) -> int:
        return Shard.objects.filter(id=0).values_list("version", flat=True).first() or 0

    def drain(self, now: datetime) -> None:
        self.engine.drain(now)

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
            last_size=D(1) if tick.has_sizes else D(0),
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

    # --- what can be asked

    def seen(self) -> dict[str, dict]:
        """Return what Model.seen() does, from the rows."""
        names = {account: name for name, account in self.accounts.items()}
        owners = {portfolio: name for name, portfolio in self.portfolios.items()}
        symbols = {each.id: symbol for symbol, each in self.instruments.items()}
        found: dict[str, dict] = {kind: {} for kind in ("cash", "shares", "lots", "realized")}
        for account, currency, *money in CashBalance.objects.values_list(
            "account_id", "currency", "amount", "reserved"
        ):
            found["cash"][names[account], currency] = tuple(money)
        found["proceeds"] = {name: [] for name in self.accounts}
        for account, left in UnsettledCash.objects.order_by("remaining_amount").values_list(
            "account_id", "remaining_amount"
        ):
            found["proceeds"][names[account]].append(left)
        for portfolio, instrument, quantity, reserved in Position.objects.values_list(
            "portfolio_id", "instrument_id", "quantity", "reserved_quantity"
        ):
            where = (owners[portfolio], symbols[instrument])
            found["shares"][where] = (quantity, reserved)
            found["lots"][where], found["realized"][where] = [], D(0)
        holdings = {}
        lots = Lot.objects.order_by("opened_at", "id").values_list(
            "id", "portfolio_id", "instrument_id", "remaining_quantity", "remaining_cost"
        )
        for lot, portfolio, instrument, quantity, cost in lots:
            holdings[lot] = where = (owners[portfolio], symbols[instrument])
            if quantity:
                found["lots"][where].append((quantity, cost))
        for lot, pnl in LotClosing.objects.values_list("lot_id", "realized_pnl"):
            found["realized"][holdings[lot]] += pnl
        keys = self._orders_seen(found, names)
        self._trades_seen(found, keys)
        return found

    def _orders_seen(self, found: dict[str, dict], names: dict[UUID, str]) -> dict[UUID, tuple]:
        keys: dict[UUID, tuple] = {}
        found["orders"], self.resting = {}, []
        for order_id, account, key, *state in Order.objects.order_by("id").values_list(*COLUMNS):
            status, triggered_at, filled, value, reserved, commission, fees, *book = state
            average = (value / filled).quantize(D("1e-8")) if filled else None
            keys[order_id] = names[account], key
            line = (status, triggered_at is not None, filled, average)
            found["orders"][keys[order_id]] = (*line, reserved, commission, fees)
            instrument, side, kind, tif, limit, priority = book
            is_on_book = kind == "limit" and tif in ("day", "gtc") and priority is not None
            if is_on_book and status not in CLOSED:
                self.resting.append((instrument, side, account, limit))
        return keys

    def _trades_seen(self, found: dict[str, dict], keys: dict[UUID, tuple]) -> None:
        found["trades"] = {key: [] for key in keys.values()}
        rows = Trade.objects.order_by("exec_id").values_list("order_id", "quantity", "price")
        for order, quantity, price in rows:
            found["trades"][keys[order]].append((quantity, price))

    def crossed(self) -> list[str]:
        """Return what stands on a book against another account's better price."""
        bids = [line for line in self.resting if line[1] == "buy"]
        asks = [line for line in self.resting if line[1] == "sell"]
        return [
            f"{bid} meets {ask}"
            for bid in bids
            for ask in asks
            if bid[0] == ask[0] and bid[2] != ask[2] and bid[3] >= ask[3]
        ]

    def complaints(self) -> list[str]:
        """Return every line of check_books, and every difference between events and tables."""
        wrong = [line for lines in check_books().values() for line in lines]
        return [*wrong, *differences(fold_log())]


def _codes(act) -> set[str]:
    try:
        act()
    except BengiError as error:
        return {part.code for part in getattr(error, "errors", [error])}
    return set()
