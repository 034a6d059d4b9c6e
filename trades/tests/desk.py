"""The staff desk in a test's world: two who may correct, and what a correction leaves behind."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission

from accounts.models import CashBalance, LedgerEntry, User
from accounts.tests.factories import UserFactory
from bengi.events.models import Event
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from trades.corrections import approve, ask_adjust, ask_bust
from trades.models import Shard, Trade, TradeCorrection
from trades.selectors import standing_trades
from trades.tests.world import Trader, World


def dealer(*permissions: str) -> User:
    """Return one of staff with these permissions of the app, by their code names."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


class Desk:
    """Two dealers: one asks, two approves."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.one, self.two = dealer("correct_trade"), dealer("correct_trade")

    def bust(self, trade: Trade, reason: str = "Wrong price") -> TradeCorrection:
        asked = ask_bust(self.one, trade.exec_id, reason=reason, now=self.world.now)
        return self.approve(asked)

    def approve(self, asked: TradeCorrection) -> TradeCorrection:
        """Approve as the other one, and let the engine, whose books are overtaken, begin anew."""
        done = approve(asked.id, self.two, now=self.world.now)
        self.world.engine.forget()
        return done

    def adjust(
        self, trade: Trade, price: str | None = None, quantity: str | int | None = None
    ) -> Trade:
        """Adjust a trade and return the one that stands for it now."""
        asked = ask_adjust(
            self.one,
            trade.exec_id,
            price=None if price is None else Decimal(price),
            quantity=None if quantity is None else Decimal(quantity),
            reason="Wrong price",
            now=self.world.now,
        )
        self.approve(asked)
        root = trade.corrects_id or trade.exec_id
        return standing_trades().get(corrects=root)


def cash_of(trader: Trader, currency: str = "USD") -> tuple[Decimal, Decimal]:
    """Return the amount and what is reserved of it."""
    balance = CashBalance.objects.get(account=trader.account, currency=currency)
    return balance.amount, balance.reserved


def fills_of(order: Order) -> list[Trade]:
    """Return the order's standing fills, oldest first."""
    return list(standing_trades().filter(order=order).order_by("exec_id"))


def open_lots_of(trader: Trader) -> list[tuple[Decimal, Decimal]]:
    """Return (quantity, cost) of what is left of the trader's lots, oldest first."""
    found = Lot.objects.filter(portfolio=trader.portfolio, remaining_quantity__gt=0)
    rows = found.order_by("opened_at", "id")
    return list(rows.values_list("remaining_quantity", "remaining_cost"))


def trace() -> list[Any]:
    """Return everything that a refusal must leave as it is."""
    models = (CashBalance, Position, Lot, LotClosing, Trade, LedgerEntry, Order, Event, Shard)
    return [list(model.objects.order_by("pk").values()) for model in models]


def correct_a_little(world: World) -> None:
    """Bust a buy that unsettled cash paid for, a sale in bad faith and a match; adjust a fill."""
    xyz, desk = world.instrument("XYZ", mic="XNYS"), Desk(world)
    trader, other = world.trader(cash="1000"), world.trader()
    world.tick(xyz, "10.00", "10.00", last="10.00")
    world.place(trader, xyz, "buy", 100, limit="10.00")
    world.place(trader, xyz, "sell", 100)
    (used,) = fills_of(world.place(trader, xyz, "buy", 30, limit="10.00"))
    (bad,) = fills_of(world.place(trader, xyz, "sell", 10))
    desk.bust(bad)
    desk.bust(used)
    world.tick(xyz, "9.00", "11.00", last="10.00")
    bid = world.place(other, xyz, "buy", 5, limit="10.00", tif="gtc")
    world.tick(xyz, "9.50", "10.00", size=2, last="10.00")
    world.tick(xyz, "9.50", "10.00", size=3, last="10.00")
    desk.adjust(fills_of(bid)[0], "9.90")
    world.tick(xyz, "9.00", "11.00", last="10.00")
    offer = world.place(other, xyz, "sell", 3, limit="10.20", tif="gtc")
    world.place(trader, xyz, "buy", 3, limit="10.20")
    desk.bust(fills_of(offer)[0])
    ask_bust(desk.one, fills_of(bid)[0].exec_id, reason="Perhaps", now=world.now)
