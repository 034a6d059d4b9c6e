"""Somebody's past, as a trader's stands in the tables: cash by the ledger, lots, sales.

Numbers are the caller's; nothing here reckons what the tests look at.
"""

from decimal import Decimal

from accounts.ledger import LedgerLeg, NewTransaction, post
from accounts.models import CashBalance
from bengi.ids import new_id
from bengi.terms import LedgerBook, LedgerKind
from portfolios.models import LotClosing, Position
from portfolios.tests.factories import LotFactory

D = Decimal


class Story:
    """What a portfolio does; each trade is told to on_trade, where there is one."""

    def __init__(self, portfolio, on_trade=None):
        self.portfolio, self.account = portfolio, portfolio.account
        self.on_trade = on_trade

    def buy(self, instrument, quantity, price, at, fee="0"):
        """Buy at a price and pay a fee; return the lot."""
        gross = D(quantity) * D(price)
        lot = LotFactory(
            portfolio=self.portfolio,
            instrument=instrument,
            opened_at=at,
            quantity=D(quantity),
            cost=gross + D(fee),
        )
        self._book(lot.trade_id, instrument, -gross, fee, at)
        self._hold(instrument, D(quantity))
        self._tell(lot.trade_id, instrument, "buy", quantity, price, at)
        return lot

    def sell(self, lot, quantity, price, at, fee="0"):
        """Sell some of a lot, of which the cost per share has few places; return the closing."""
        gross, cost = D(quantity) * D(price), lot.cost / lot.quantity * D(quantity)
        proceeds = gross - D(fee)
        closing = LotClosing.objects.create(
            lot=lot,
            trade_id=new_id(),
            closed_at=at,
            quantity=D(quantity),
            cost=cost,
            proceeds=proceeds,
            fees=D(fee),
            realized_pnl=proceeds - cost,
        )
        lot.remaining_quantity -= D(quantity)
        lot.remaining_cost -= cost
        lot.save()
        self._book(closing.trade_id, lot.instrument, gross, fee, at)
        self._hold(lot.instrument, -D(quantity))
        self._tell(closing.trade_id, lot.instrument, "sell", quantity, price, at)
        return closing

    def _book(self, trade_id, instrument, gross, fee, at):
        moved = [(LedgerKind.TRADE, LedgerBook.CLEARING, gross)]
        if D(fee):
            moved.append((LedgerKind.COMMISSION, LedgerBook.COMMISSION, -D(fee)))
        post([self._posted(trade_id, instrument.currency, at, *each) for each in moved])
        balance, _ = CashBalance.objects.get_or_create(
            account=self.account, currency=instrument.currency
        )
        balance.amount += gross - D(fee)
        balance.save()

    def _posted(self, trade_id, currency, at, kind, book, amount):
        legs = (
            LedgerLeg(LedgerBook.CUSTOMER_CASH, self.account.id, currency, amount),
            LedgerLeg(book, None, currency, -amount),
        )
        return NewTransaction(new_id(), kind, str(trade_id), self.account.id, at, "A trade", legs)

    def _hold(self, instrument, quantity):
        position, _ = Position.objects.get_or_create(
            portfolio=self.portfolio, instrument=instrument
        )
        position.quantity += quantity
        position.save()

    def _tell(self, *trade):
        if self.on_trade:
            self.on_trade(*trade)
