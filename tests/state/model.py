"""The model: a whole broker in plain Decimals, judged against the real one after every step.

Nothing of the project is imported here, and a test holds that. What the model knows, file by file:

    plain_terms      tickets, orders, ticks            plain_rules    what speaks against an order
    plain_calendar   sessions and holidays             plain_market   who trades with whom, one book
    plain_board      which ticks are believed          plain_engine   in which order things happen
    plain_costs      commission, levies, worst cost    plain_broker   all that is in the books
    plain_books      cash, lots, settlement            plain_actions  what a split does to one thing
    plain_groups     legs, and what follows for them
    plain_issuers    splits and dividends              plain_desk     busts, and fills by hand

A new rule of trading goes into the file that knows its subject; here people ask and are answered.
"""

from dataclasses import replace
from datetime import date, datetime, time
from decimal import ROUND_DOWN, Decimal
from typing import Any

from tests.state.plain_books import PlainAccount
from tests.state.plain_costs import held_meanwhile, to_cents, worst_cost
from tests.state.plain_desk import PlainDesk
from tests.state.plain_engine import PlainEngine
from tests.state.plain_groups import misplaced
from tests.state.plain_rules import OPEN_MAX, leg_refusals, refusals
from tests.state.plain_terms import (
    ASKED,
    CENT,
    TICK_SIZE,
    ZERO,
    PlainGroup,
    PlainOrder,
    PlainProfile,
    PlainTick,
    Ticket,
)

EUROS_A_DOLLAR = Decimal("0.87")


class Model(PlainDesk):
    """A broker with one engine. What people do is answered with the codes of what is against it."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = PlainEngine(self)

    # --- accounts and money

    def open_account(self, name: str, fees: list[tuple], profile: PlainProfile) -> None:
        self.books.accounts[name] = PlainAccount(fees, profile)

    def set_method(self, name: str, method: str) -> set[str]:
        """Close lots of later sales otherwise; who is frozen may not choose anew."""
        account = self.books.accounts[name]
        if account.is_frozen and account.method != method:
            return {"account_frozen"}
        account.method = method
        return set()

    def deposit(self, name: str, amount: Decimal) -> set[str]:
        account = self.books.accounts[name]
        if account.is_frozen:
            return {"account_frozen"}
        account.cash += amount
        return set()

    def withdraw(self, name: str, amount: Decimal, now: datetime) -> set[str]:
        """Pay out settled cash that no order holds."""
        codes = self._stuck(name, amount, now)
        if not codes:
            self.books.accounts[name].cash -= amount
        return codes

    def convert(self, name: str, amount: Decimal, into: str, now: datetime) -> set[str]:
        """Change dollars into euros or back; what is less than a cent stays with the house."""
        account = self.books.accounts[name]
        if into == "EUR":
            worth = (amount * EUROS_A_DOLLAR).quantize(CENT, rounding=ROUND_DOWN)
            codes = self._stuck(name, amount, now) or (set() if worth else {"invalid_amount"})
            if not codes:
                account.cash -= amount
                account.euros = (account.euros or ZERO) + worth
            return codes
        if account.is_frozen:
            return {"account_frozen"}
        if amount > (account.euros or ZERO):
            return {"insufficient_available"}
        account.euros -= amount
        account.cash += (amount / EUROS_A_DOLLAR).quantize(CENT, rounding=ROUND_DOWN)
        return set()

    def _stuck(self, name: str, amount: Decimal, now: datetime) -> set[str]:
        """Return the code of why so many dollars cannot leave an account."""
        account = self.books.accounts[name]
        if account.is_frozen:
            return {"account_frozen"}
        is_there = amount <= account.settled(now) - self.reserved_cash(name)
        return set() if is_there else {"insufficient_available"}

    # --- orders

    def place(self, ticket: Ticket, now: datetime) -> set[str]:
        """Take an order, or return the codes of all that speaks against it."""
        known = self.orders.get((ticket.account, ticket.key))
        if known is not None:
            return set() if known.body == ticket.body else {"idempotency_mismatch"}
        order = self.draft(ticket, now)
        codes = set(refusals(order, self.facts(order, now), now))
        legs = self._legs(order, now)
        if "trading_halted" not in codes:
            codes |= self._against_legs(order, legs, now)
        if not codes:
            if order.side == "buy":
                order.reserved = worst_cost(order)
            self._join(order, legs)
            for each in (*legs, order):
                each.number = len(self.orders)
                self.orders[each.account, each.key] = each
        return codes

    def _legs(self, order: PlainOrder, now: datetime) -> list[PlainOrder]:
        """Return the orders that a ticket asks for beside its own, the stop first."""
        found = []
        for terms in reversed(order.ticket.legs):
            ticket = replace(
                order.ticket,
                key=f"{order.key}/{terms.name}",
                side="sell",
                type=terms.type,
                limit=terms.limit,
                stop=terms.stop,
                trail=terms.trail,
                kind="",
                legs=(),
            )
            leg = self.draft(ticket, now)
            leg.leg = terms.name
            found.append(leg)
        return found

    def _against_legs(self, order: PlainOrder, legs: list[PlainOrder], now: datetime) -> set[str]:
        """Return the codes of what is wrong with the legs of an order."""
        codes = set()
        facts = self.facts(order, now)
        for leg in legs:
            codes |= set(leg_refusals(leg, facts))
        if legs and misplaced(order, self.prices(order.symbol), TICK_SIZE):
            codes.add("unsupported_combination")
        mine = [o for o in self.open_orders(order.symbol) if o.account == order.account]
        sells = len([o for o in mine if o.side == "sell"]) + (order.side == "sell")
        if legs and sells <= OPEN_MAX < sells + len(legs):
            codes.add("too_many_open_orders")
        return codes

    def _join(self, order: PlainOrder, legs: list[PlainOrder]) -> None:
        """Make a group of an order and its legs; those of an entry are held for it."""
        if not legs:
            return
        kind = order.ticket.kind
        is_pair = kind == "oco"
        order.leg = "take_profit" if is_pair else ""
        members = [order, *legs] if is_pair else legs[::-1]
        group = PlainGroup(kind, order.key, None if is_pair else order, members, not is_pair)
        for each in (order, *legs):
            each.group = group
        if not is_pair:
            for leg in legs:
                leg.status = "held"
                if leg.type == "trailing_stop":
                    leg.mark = leg.stop = None
                    leg.written = (None, None)

    def replace(
        self, account: str, key: str, changes: dict[str, Any], new_key: str, now: datetime
    ) -> set[str]:
        """Ask for an order to be replaced; the new one is held until the engine has decided."""
        old = self.orders[account, key]
        ticket = changed(old, changes, new_key)
        known = self.orders.get((account, new_key))
        if known is not None:
            is_same = known.replaces is old and known.body == ticket.body
            return set() if is_same else {"idempotency_mismatch"}
        if not old.is_open or old.status in (*ASKED, "held") or old.triggered:
            return {"order_not_replaceable"}
        if ticket.quantity <= old.worked:
            return {"quantity_below_filled"}
        new = self.draft(ticket, now)
        new.replaces = old
        return self._hold(new, old, now)

    def _hold(self, new: PlainOrder, old: PlainOrder, now: datetime) -> set[str]:
        """Judge the rest that is wanted by what is left once the old order is gone."""
        facts = self.facts(new, now)
        free_cash = facts.free_cash
        facts.free_cash += old.reserved
        facts.free_shares += old.held_shares
        facts.open_here -= 1
        facts.has_twin = False
        total, new.quantity = new.quantity, new.quantity - old.worked
        codes = set(refusals(new, facts, now))
        new.quantity, new.status = total, "held"
        if not codes and new.side == "buy":
            new.reserved = held_meanwhile(new, old)
            codes = {"insufficient_funds"} if new.reserved > free_cash else set()
        if not codes:
            old.status, old.updated_at = "pending_replace", max(now, old.updated_at)
            self.orders[new.account, new.key] = new
        return codes

    def cancel(self, account: str, key: str, now: datetime) -> set[str]:
        order = self.orders[account, key]
        if not order.is_open or order.waits_to_replace:
            return {"order_not_cancelable"}
        if order.status != "pending_cancel":
            order.status = "pending_cancel"
            order.updated_at = max(now, order.updated_at)
        return set()

    def stop_trading(self, account: str | None, cancels: bool, now: datetime) -> None:
        """Throw the kill switch for one account or for all; open orders may be asked to go."""
        self.stopped.add(account)
        if cancels:
            for order in list(self.orders.values()):
                is_meant = account in (None, order.account)
                if is_meant and order.is_open and order.status not in ("held", "pending_cancel"):
                    self.cancel(order.account, order.key, now)

    # --- the market and its hours

    def override(self, day: date, closes: time | None) -> None:
        """Take staff's word for a day; an engine that hears something new builds its books anew."""
        known = self.calendar.overrides
        if day not in known or known[day] != closes:
            known[day] = closes
            self.engine.restart()

    def record(self, tick: PlainTick) -> None:
        """Take a tick in, unless it is not to be believed."""
        if self.board.take(tick):
            self.engine.queue.append(tick)

    def deliver_again(self, tick: PlainTick) -> None:
        """The bus repeats itself."""
        self.engine.queue.append(tick)

    def lose_ticks(self) -> None:
        self.engine.queue.clear()

    # --- what can be asked

    def equity(self, name: str) -> Decimal | None:
        """Return in dollars what cash and shares are worth; None where one has no last price."""
        account = self.books.accounts[name]
        worth = ZERO
        for symbol in account.lots:
            tick, shares = self.board.newest.get(symbol), account.holding(symbol)
            if not shares:
                continue
            if tick is None or tick.last is None:
                return None
            worth += shares * tick.last
        return account.cash + to_cents(worth) + to_cents((account.euros or ZERO) / EUROS_A_DOLLAR)

    def seen(self) -> dict[str, dict]:
        """Return everything that can be compared with the real broker, by kind."""
        kinds = ("cash", "proceeds", "violations", "shares", "lots", "realized")
        found: dict[str, dict] = {kind: {} for kind in kinds}
        for name, account in self.books.accounts.items():
            found["cash"][name, "USD"] = (account.cash, self.reserved_cash(name))
            if account.euros is not None:
                found["cash"][name, "EUR"] = (account.euros, ZERO)
            found["proceeds"][name] = sorted(left for _, _, left in account.proceeds)
            found["violations"][name] = account.violations
            for symbol in account.realized.keys() | account.lots.keys():
                self._holding_seen(found, name, symbol)
        found["orders"] = {key: order_seen(order) for key, order in self.orders.items()}
        found["trades"] = {key: [] for key in self.orders}
        for trade in self.books.trades:
            key = trade.order.account, trade.order.key
            found["trades"][key].append((trade.quantity, trade.price))
        return found

    def _holding_seen(self, found: dict[str, dict], name: str, symbol: str) -> None:
        account, where = self.books.accounts[name], (name, symbol)
        found["shares"][where] = (account.holding(symbol), self.reserved_shares(*where))
        found["lots"][where] = [(lot.quantity, lot.cost) for lot in account.in_order(symbol)]
        found["realized"][where] = account.realized.get(symbol, ZERO)


def order_seen(order: PlainOrder) -> dict[str, Any]:
    """Return what the books say of an order."""
    mark, stop = order.written
    average = (order.value / order.filled).quantize(Decimal("1e-8")) if order.filled else None
    return {
        "status": order.status,
        "quantity": order.quantity,
        "filled": order.filled,
        "busted": order.busted,
        "average": average,
        "reserved": order.reserved,
        "commission": order.commission,
        "fees": order.levy,
        "triggered": order.triggered,
        "stop": stop,
        "mark": mark,
        "replaced by": order.replaced_by,
    }


def changed(order: PlainOrder, changes: dict[str, Any], key: str) -> Ticket:
    """Return the ticket that would have been given for an order with the changes made to it.

    A trail takes the place of the other kind; a time in force but gtd has no expiry.
    """
    ticket = replace(order.ticket, key=key, quantity=order.quantity)
    if {"trail", "trail_percent"} & set(changes):
        ticket = replace(ticket, trail=None, trail_percent=None)
    if changes.get("tif", "gtd") != "gtd":
        ticket = replace(ticket, expires_at=None)
    return replace(ticket, **changes)
