"""A broker whose issuers split their shares and pay dividends.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Corporate actions".
"""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.state.plain_actions import PlainAction, split_holding, split_order, split_tick
from tests.state.plain_broker import PlainBroker
from tests.state.plain_calendar import day_of, start_of
from tests.state.plain_terms import ZERO, PlainGroup, PlainOrder


class PlainIssuers(PlainBroker):
    """actions: what has been agreed on, in that order."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[PlainAction] = []

    def agree(self, action: PlainAction, now: datetime) -> set[str]:
        """Take an action that two of staff want, or say what is against it."""
        is_late = action.is_split and action.at <= now
        codes = {"ex_date_has_begun"} if is_late else set()
        if any(known.once == action.once for known in self.actions):
            codes.add("possible_duplicate")
        if not codes:
            self.actions.append(action)
        return codes

    def due_splits(self, now: datetime) -> list[PlainAction]:
        due = [a for a in self.actions if a.is_split and a.status == "agreed" and a.at <= now]
        return sorted(due, key=lambda action: action.at)

    def split_at(self, symbol: str) -> datetime | None:
        """Return since when a symbol's shares are what they are; None: they were never split."""
        done = [a for a in self.actions if a.is_split and a.status == "applied"]
        return max((a.at for a in done if a.symbol == symbol), default=None)

    def today(self, symbol: str, moment: datetime) -> date:
        return day_of(self.instruments[symbol].hours, moment)

    def start_of(self, symbol: str, day: date) -> datetime:
        return start_of(self.instruments[symbol].hours, day)

    # --- splits

    def apply_split(self, action: PlainAction, now: datetime) -> None:
        """Turn old shares into new ones: orders first, then holdings, then the last quote."""
        assert action.status == "agreed"
        worth = self._worth(action)
        orders = self.open_orders(action.symbol)
        for order in orders:
            self._split_order(order, action, now)
        for group in {order.group: None for order in orders if order.group}:
            self._split_group(group, [o for o in orders if o.group is group], now)
        step = self.instruments[action.symbol].step
        for name, account in self.books.accounts.items():
            if account.holding(action.symbol):
                grown = split_holding(account, action, step, worth)
                self.books.moves.append((name, action.symbol, action.at, grown))
        tick = self.board.newest.get(action.symbol)
        if tick is not None and tick.as_of < action.at:
            self.board.newest[action.symbol] = split_tick(tick, action)
        action.status = "applied"

    def _worth(self, action: PlainAction) -> Fraction:
        """Return what a new share is worth: as staff say, else by the last price there was."""
        if action.worth is not None:
            return Fraction(action.worth)
        tick = self.board.newest.get(action.symbol)
        if tick is not None and tick.last is not None:
            return Fraction(tick.last) if tick.as_of >= action.at else action.price(tick.last)
        of_it = [trade for trade in self.books.trades if trade.order.symbol == action.symbol]
        return action.price(of_it[-1].price if of_it else ZERO)

    def _split_order(self, order: PlainOrder, action: PlainAction, now: datetime) -> None:
        asked = order.replaces if order.waits_to_replace else None
        if (asked or order).accepted_at >= action.at and not action.is_reverse:
            return
        order.updated_at = max(order.updated_at, now)
        if asked or order.status == "pending_cancel" or action.is_reverse:
            order.status, order.reserved = "rejected" if asked else "canceled", ZERO
            return
        if order.status == "pending_replace":
            seen = "accepted" if order.priority is None else "new"
            order.status = "partially_filled" if order.worked else seen
        stays = self._rest(order) if order.worked else order
        account = self.books.accounts[order.account]
        cash = order.reserved + account.cash - self.reserved_cash(order.account)
        if not split_order(stays, action, self.instruments[order.symbol].step, cash):
            order.status, order.reserved = "canceled", ZERO
        elif stays is not order:
            order.status, order.reserved, order.replaced_by = "replaced", ZERO, stays.key
            self.orders[stays.account, stays.key] = stays
            if order.group is not None:
                order.group.pass_on(order, stays)

    def _split_group(self, group: PlainGroup, members: list[PlainOrder], now: datetime) -> None:
        """Who cannot stand takes along whom a cancel would; legs that wait are for the entry."""
        gone = [order for order in members if order.status == "canceled"]
        has_lost_leg = any(order.leg for order in gone)
        for order in group.members:
            if order.is_open and (has_lost_leg or (gone and order.waits_for_entry)):
                order.status, order.reserved = "canceled", ZERO
                order.updated_at = max(order.updated_at, now)
        for order in group.members:
            if not order.is_open:
                group.leave(order)
            elif order.waits_for_entry and group.entry is not None:
                order.quantity = group.entry.quantity

    def _rest(self, order: PlainOrder) -> PlainOrder:
        """Return an order for what another one still wants, in its place in the queue."""
        return replace(
            order,
            number=len(self.orders),
            ticket=replace(order.ticket, key=f"split-{order.key}"),
            quantity=order.leaves,
            status="new",
            replaces=order,
            filled=ZERO,
            busted=ZERO,
            value=ZERO,
            commission=ZERO,
            levy=ZERO,
        )

    # --- dividends

    def pay_dividends(self, now: datetime) -> None:
        """Record who held the shares when their ex-date began, and pay whose day has come."""
        due = [a for a in self.actions if not a.is_split and a.at <= now]
        for action in sorted(due, key=lambda action: action.at):
            if action.status == "agreed":
                self._entitle(action)
            if action.status == "applied" and action.pays_at <= now:
                for name, (gross, tax) in action.entitled.items():
                    self.books.accounts[name].cash += gross - tax
                action.status = "paid"

    def _entitle(self, action: PlainAction) -> None:
        for name in self.books.accounts:
            held = self.books.held_before(name, action.symbol, action.at)
            gross, tax = action.payment(held)
            if gross:
                action.entitled[name] = gross, tax
        action.status = "applied"

    def scale(self, symbol: str, moment: datetime) -> Decimal:
        """Return how many new shares there are for each that there was when the walk began."""
        scale = Decimal(1)
        for action in self.actions:
            if action.is_split and action.symbol == symbol and action.at <= moment:
                scale = scale * action.new / action.old
        return scale
