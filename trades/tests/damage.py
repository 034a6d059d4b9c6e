"""Damage to the books, check by check: what each of them must see."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Subquery

from accounts.models import (
    CashBalance,
    Conversion,
    FeeSchedule,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerEntry,
    LedgerTransaction,
    RegulatoryRate,
    UnsettledCash,
    UnsettledUse,
    User,
)
from bengi.events.models import Event, Stream
from bengi.ids import new_id
from instruments.models import CorporateAction
from orders.models import Order
from portfolios.models import (
    DividendEntitlement,
    Lot,
    LotClosing,
    LotSplit,
    Position,
    PositionSplit,
)
from trades.models import Trade, TradeCorrection
from trades.tests.world import START
from watchlists.models import PriceAlert

CENT = Decimal("0.01")


def everywhere(model: type, **change: object) -> Callable[[], None]:
    """Change one row of a model behind the services' back."""

    def damage() -> None:
        first = model.objects.order_by("pk").first()  # type: ignore[attr-defined]
        model.objects.filter(pk=first.pk).update(**change)  # type: ignore[attr-defined]

    return damage


def drop_entry() -> None:
    LedgerEntry.objects.filter(book="clearing").first().delete()  # type: ignore[union-attr]


def tell_of_an_alert_twice() -> None:
    event = Event.objects.get(type="alert.fired")
    event.pk, event.seq = None, event.seq + 1000
    event.save(force_insert=True)


def swap_lots() -> None:
    """Close the younger lot first: quantities still sum up, the order does not."""
    older, younger = Lot.objects.order_by("opened_at", "id")[:2]
    Lot.objects.filter(id=older.id).update(remaining_quantity=10)
    Lot.objects.filter(id=younger.id).update(remaining_quantity=F("remaining_quantity") - 10)


def change_the_past() -> None:
    """Let another price have been in force on the day the orders were accepted."""
    schedule = FeeSchedule.objects.get()
    schedule.pk, schedule.effective_from = new_id(), date(2026, 3, 1)
    schedule.save(force_insert=True)


def name_another_lot() -> None:
    naming = Order.objects.exclude(lots=[]).get()
    naming.lots[0]["lot_id"] = str(new_id())
    naming.save(update_fields=["lots"])


def drop_event() -> None:
    Event.objects.order_by("stream", "seq")[1:2].get().delete()


def half_match() -> None:
    Trade.objects.filter(match_id__isnull=False, side="buy").update(match_id=new_id())


def pay_for_another() -> None:
    """Let one account's proceeds have paid for another one's buy."""
    use = UnsettledUse.objects.order_by("id")[0]
    other = UnsettledCash.objects.exclude(account_id=use.account_id).first()
    UnsettledUse.objects.filter(id=use.id).update(unsettled=other)


def forget_split() -> None:
    """Let a holding have come through a split without being split."""
    LotSplit.objects.all().delete()
    PositionSplit.objects.all().delete()


def pay_somebody_else() -> None:
    LedgerTransaction.objects.filter(kind="dividend").update(reference=str(new_id()))


def reverse_something_else() -> None:
    other = LedgerTransaction.objects.filter(kind="withdrawal").first()
    first = LedgerTransaction.objects.filter(kind="reversal").first()
    LedgerTransaction.objects.filter(id=first.id).update(reverses=other)  # type: ignore[union-attr]


def first_of(rows: QuerySet, **change: object) -> Callable[[], None]:
    """Change the first of some rows behind the services' back."""
    return lambda: rows.model.objects.filter(pk=rows.order_by("pk")[0].pk).update(**change) and None


def bust_another() -> None:
    standing = Trade.objects.filter(busts=None, busted_by=None)[0]
    first_of(BUSTS, busts=standing)()


BUSTS = Trade.objects.filter(busts__isnull=False)
REVERSED = LotClosing.objects.filter(reverses__isnull=False)


def some_legs(change: dict[str, Any], **which: Any) -> Callable[[], None]:
    """Change the legs of which this is true behind the services' back."""

    def damage() -> None:
        assert Order.objects.exclude(leg="").filter(**which).update(**change)

    return damage


def end_the_entries() -> None:
    waiting = Order.objects.filter(order_class="bracket", leg="", closed_at=None)
    assert waiting.update(status="expired", reserved=0, closed_at=F("updated_at"))


AT_WORK = {"released_at__isnull": False}
WAITING = {"parent__isnull": False, "released_at": None}
GONE = {"status": "canceled", "closed_at": F("updated_at")}

DAMAGE: dict[str, list[Callable[[], None]]] = {
    "transactions_balance": [
        everywhere(LedgerEntry, amount=F("amount") + CENT),
        drop_entry,
        lambda: LedgerEntry.objects.filter(transaction__kind="trade").delete() and None,
    ],
    "cash_equals_entries": [
        everywhere(CashBalance, amount=F("amount") + CENT),
        lambda: LedgerEntry.objects.filter(book="customer_cash").delete() and None,
    ],
    "cash_in_minor_units": [everywhere(LedgerEntry, amount=F("amount") + Decimal("0.001"))],
    "reservations_equal_open_orders": [
        everywhere(CashBalance, reserved=F("reserved") + CENT),
        everywhere(Position, reserved_quantity=F("reserved_quantity") + 1),
    ],
    "orders_equal_trades": [
        everywhere(Order, filled_quantity=F("filled_quantity") - 1),
        everywhere(Order, filled_value=F("filled_value") + CENT),
        everywhere(Order, commission=F("commission") + CENT),
        everywhere(Order, fees=F("fees") + CENT),
        first_of(
            Order.objects.exclude(busted_quantity=0), busted_quantity=F("busted_quantity") - 1
        ),
        everywhere(Order, busted_value=CENT),
        everywhere(Trade, side="sell"),
        everywhere(Trade, price=F("price") * 2),
    ],
    "amounts_are_not_overspent": [
        lambda: Order.objects.filter(notional__isnull=False).update(notional=CENT) and None
    ],
    "replaced_orders_have_one_heir": [
        lambda: Order.objects.filter(status="replaced").update(replaced_by=None) and None,
        lambda: Order.objects.filter(replaces__isnull=False).update(replaces=None) and None,
    ],
    "trailing_stops_stand_behind_their_mark": [
        lambda: Order.objects.update(stop_price=F("stop_price") + CENT) and None,
        lambda: Order.objects.update(high_water_mark=F("high_water_mark") + CENT) and None,
    ],
    "costs_equal_formulas": [
        everywhere(FeeSchedule, kind="flat_rate", rate="0.001"),
        lambda: RegulatoryRate.objects.update(per_share="0.1") and None,
    ],
    "schedules_were_in_force": [change_the_past],
    "trades_are_in_the_ledger": [
        everywhere(Trade, net_amount=F("net_amount") + CENT),
        lambda: LedgerTransaction.objects.filter(kind="trade").update(reference=F("id")) and None,
    ],
    "matches_have_two_sides": [half_match],
    "positions_equal_lots": [
        everywhere(Position, quantity=F("quantity") + 1),
        everywhere(Trade, quantity=F("quantity") + 1),
    ],
    "lots_equal_closings": [
        everywhere(LotClosing, quantity=F("quantity") - 1),
        everywhere(LotClosing, realized_pnl=F("realized_pnl") + CENT),
        everywhere(
            LotClosing, proceeds=F("proceeds") + CENT, realized_pnl=F("realized_pnl") + CENT
        ),
        everywhere(Lot, cost=F("cost") + CENT),
    ],
    "lots_close_by_method": [swap_lots, everywhere(LotClosing, method="lifo")],
    "named_lots_are_there": [name_another_lot],
    "averaged_cost_is_conserved": [everywhere(Lot, cost_shift=F("cost_shift") + CENT)],
    "events_are_dense_and_chained": [
        drop_event,
        everywhere(Event, payload={"forged": True}),
        everywhere(Stream, seq=F("seq") + 1),
    ],
    "unsettled_cash_equals_sales": [
        everywhere(UnsettledCash, amount=F("amount") + CENT),
        everywhere(UnsettledCash, settles_on="2026-03-05"),
        everywhere(UnsettledUse, amount=F("amount") - CENT),
        everywhere(UnsettledCash, trade_id=new_id()),
    ],
    "unsettled_cash_paid_for_buys": [
        everywhere(UnsettledUse, amount=Decimal(1000)),
        everywhere(UnsettledUse, order_id=new_id()),
        everywhere(UnsettledUse, trade_id=new_id()),
        pay_for_another,
    ],
    "conversions_follow_their_rate": [
        everywhere(Conversion, rate=Decimal("1.09")),
        everywhere(Conversion, target_amount=Decimal("92.60")),
        everywhere(Conversion, rounding=Decimal(0)),
        lambda: Conversion.objects.all().delete() and None,
        lambda: LedgerEntry.objects.filter(book="rounding").update(amount=CENT) and None,
    ],
    "reversals_undo_one_original": [
        lambda: (
            LedgerEntry.objects.filter(transaction__kind="reversal").update(amount=CENT) and None
        ),
        lambda: (
            LedgerEntry.objects.filter(transaction__kind="adjustment").update(amount=CENT) and None
        ),
        reverse_something_else,
        lambda: LedgerAdjustment.objects.filter(reverses=None).update(amount=CENT) and None,
    ],
    "legs_sell_what_there_is": [
        some_legs({"quantity": F("quantity") + 1}, leg="stop_loss", **AT_WORK),
        some_legs({"quantity": F("quantity") - 1}, **AT_WORK),
        some_legs({"quantity": F("quantity") - 1}, leg="take_profit", order_class="oco"),
        some_legs({"filled_quantity": F("quantity"), **GONE}, **AT_WORK),
        some_legs({"filled_quantity": F("quantity"), **GONE}, order_class="oco"),
    ],
    "legs_live_and_die_with_their_group": [
        some_legs(GONE, leg="stop_loss", **WAITING),
        some_legs(GONE, leg="stop_loss", **AT_WORK),
        some_legs({"released_at": None}, **AT_WORK),
        some_legs({"triggered_at": F("updated_at")}, leg="stop_loss", **WAITING),
        end_the_entries,
    ],
    "splits_multiply_positions": [
        everywhere(PositionSplit, quantity_before=F("quantity_before") + 1),
        everywhere(PositionSplit, quantity_after=F("quantity_after") - 1),
        everywhere(PositionSplit, excess=F("excess") + 1),
        forget_split,
        lambda: CorporateAction.objects.filter(kind="split").update(status="approved") and None,
        lambda: CorporateAction.objects.filter(kind="split").update(ratio_to=4) and None,
    ],
    "splits_conserve_cost": [
        everywhere(PositionSplit, cost_after=F("cost_after") - CENT),
        everywhere(PositionSplit, cash_in_lieu=F("cash_in_lieu") + CENT),
        everywhere(PositionSplit, cost_closed=F("cost_closed") + CENT),
        everywhere(LotSplit, shift=CENT),
    ],
    "lots_follow_their_splits": [
        everywhere(LotSplit, quantity_before=F("quantity_before") + 1),
        everywhere(LotSplit, remaining_before=F("remaining_before") + 1),
        everywhere(LotSplit, quantity_after=F("quantity_after") + 1),
    ],
    "open_orders_are_in_new_shares": [
        lambda: Order.objects.filter(status="new").update(updated_at=START) and None,
    ],
    "dividends_go_to_holders": [
        everywhere(DividendEntitlement, quantity=F("quantity") + 1),
        everywhere(DividendEntitlement, gross_amount=F("gross_amount") + CENT),
        everywhere(DividendEntitlement, withheld_amount=F("withheld_amount") + CENT),
        everywhere(DividendEntitlement, paid_at=None),
        lambda: DividendEntitlement.objects.all().delete() and None,
        lambda: CorporateAction.objects.filter(amount=1).update(status="approved") and None,
        pay_somebody_else,
    ],
    "street_waited_for_arrival": [lambda: Order.objects.update(realism="harsh") and None],
    "busts_undo_one_trade": [
        *(
            first_of(BUSTS, **{name: F(name) - CENT})
            for name in ("quantity", "gross_amount", "commission", "fees", "net_amount", "price")
        ),
        first_of(BUSTS.filter(side="sell"), side="buy"),
        first_of(BUSTS, trade_date=date(2026, 3, 9)),
        bust_another,
    ],
    "busts_undo_lots_and_closings": [
        lambda: Lot.objects.exclude(busted_by=None).update(busted_by=None) and None,
        first_of(Lot.objects.exclude(busted_by=None), busted_by=new_id()),
        first_of(REVERSED, cost=F("cost") - CENT),
        first_of(REVERSED, trade_id=new_id()),
        lambda: REVERSED.delete() and None,
    ],
    "busts_settle_up": [
        first_of(UnsettledUse.objects.filter(amount__lt=0), amount=F("amount") - CENT),
        lambda: UnsettledUse.objects.filter(amount__lt=0).delete() and None,
        lambda: GoodFaithViolation.objects.exclude(busted_by=None).update(busted_by=None) and None,
        lambda: (
            GoodFaithViolation.objects.filter(busted_by=None).update(busted_by=new_id()) and None
        ),
    ],
    "corrections_take_two": [
        first_of(TradeCorrection.objects.filter(outcome="approved"), outcome="declined"),
        first_of(
            TradeCorrection.objects.filter(outcome="asked"),
            outcome="approved",
            decided_by=Subquery(User.objects.order_by("id").values("id")[:1]),
        ),
        first_of(TradeCorrection.objects.filter(kind="adjust"), price=Decimal("9.91")),
        lambda: (
            TradeCorrection.objects.filter(kind="adjust").update(kind="bust", price=None) and None
        ),
    ],
    "trades_follow_acceptance": [
        first_of(Trade.objects.all(), executed_at=START - timedelta(days=1)),
        lambda: Lot.objects.update(opened_at=START + timedelta(days=9)) and None,
    ],
    "alerts_fire_once": [
        lambda: PriceAlert.objects.update(fired_at=None, fired_price=None) and None,
        lambda: Event.objects.filter(type="alert.fired").delete() and None,
        tell_of_an_alert_twice,
    ],
    "privileged_actions_are_noted": [
        lambda: (
            Event.objects.filter(type="correction.requested").update(seq=F("seq") + 1000) and None
        ),
        lambda: Event.objects.filter(type="correction.approved").delete() and None,
        everywhere(Event, type="trading.halted"),
    ],
    "violations_are_recorded": [
        lambda: GoodFaithViolation.objects.all().delete() and None,
        everywhere(GoodFaithViolation, bought_by=new_id()),
    ],
    "named_rows_are_there": [
        *(
            everywhere(Trade, **{name: new_id()})
            for name in ("order_id", "account_id", "portfolio_id", "instrument_id")
        ),
        *(
            everywhere(Order, **{name: new_id()})
            for name in ("account_id", "instrument_id", "fee_schedule_id")
        ),
        everywhere(LedgerTransaction, account_id=new_id()),
        everywhere(LedgerEntry, transaction_id=new_id()),
        first_of(LedgerEntry.objects.filter(book="customer_cash"), account_id=new_id()),
        everywhere(LotClosing, lot_id=new_id()),
        everywhere(Event, stream_id=new_id()),
    ],
}
