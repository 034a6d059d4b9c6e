"""What a notification says: a title and a sentence, from the event alone. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bengi import discreet
from bengi.money import ZERO
from bengi.numerals import own_money, own_signed_money, price, quantity
from bengi.terms import TradeKind

Payload = Mapping[str, Any]
WISHES = {
    "above": "at or above",
    "below": "at or below",
    "crossing": "crossing",
    "percent_change": "moved in a day by",
}
"""What an alert waits for: the words of watchlists.models.WISHES."""
PLACES = 2


@dataclass(frozen=True, slots=True)
class Names:
    """What an event does not carry: how many places each symbol's prices have, and of which symbol
    each corporate action is."""

    places: Mapping[str, int]
    symbols: Mapping[str, str]

    def price(self, text: str, symbol: str) -> str:
        """Write a price as its instrument's are written."""
        return price(Decimal(text), self.places.get(symbol, PLACES))

    def symbol(self, action_id: str) -> str:
        """Return whose split or dividend it is."""
        return self.symbols.get(action_id, "Your shares")


@dataclass(frozen=True, slots=True)
class Saying:
    """A title, a sentence, and the symbol and order it is about, where it is about one."""

    title: str
    text: str
    symbol: str | None = None
    order_id: str | None = None


def say(event_type: str, payload: Payload, names: Names) -> Saying:
    """Return what is said of an event, whose type is one of trades.notices.kinds.KIND_OF."""
    return _SAYINGS[event_type](payload, names)


def symbol_in(payload: Payload) -> str | None:
    """Return the symbol that an event names."""
    about = payload.get("trade") or payload.get("order") or payload.get("alert") or {}
    symbol: str | None = about.get("symbol")
    return symbol


def action_in(payload: Payload) -> str | None:
    """Return the id of the corporate action that an event names."""
    about = payload.get("dividend") or payload.get("split") or {}
    action_id: str | None = about.get("action_id")
    return action_id


def _executed(payload: Payload, names: Names) -> Saying:
    trade = payload["trade"]
    is_anew = trade["kind"] == TradeKind.CORRECTION
    net = own_signed_money(Decimal(trade["net_amount"]), trade["currency"])
    text = f"{_deal(trade, names)}, {net} {trade['currency']} with costs."
    title = "Fill corrected" if is_anew else "Filled"
    return Saying(title, text, trade["symbol"], str(trade["order_id"]))


def _busted(payload: Payload, names: Names) -> Saying:
    trade = payload["trade"]
    net = own_signed_money(Decimal(trade["net_amount"]), trade["currency"])
    text = f"{_deal(trade, names)}: busted, {net} {trade['currency']} booked back."
    return Saying("Fill taken back", text, trade["symbol"], str(trade["order_id"]))


def _deal(trade: Payload, names: Names) -> str:
    did = "Bought" if trade["side"] == "buy" else "Sold"
    shares = quantity(abs(Decimal(trade["quantity"])))
    return f"{did} {shares} {trade['symbol']} at {names.price(trade['price'], trade['symbol'])}"


def _ended(title: str) -> Callable[[Payload, Names], Saying]:
    def ended(payload: Payload, names: Names) -> Saying:
        order = payload["order"]
        filled = Decimal(order["filled_quantity"])
        share = f", after {quantity(filled)} of {quantity(Decimal(order['quantity']))}"
        why = discreet.sentence(order["reason"] or "")
        text = f"{_wish(order, names)}{share if filled else ''}. {why}"
        return Saying(title, text.strip(), order["symbol"], str(order["id"]))

    return ended


def _wish(order: Payload, names: Names) -> str:
    verb = "Buy" if order["side"] == "buy" else "Sell"
    size = f"{verb} {quantity(Decimal(order['quantity']))} {order['symbol']}"
    kind, level = order["type"].replace("_", " "), order["limit_price"] or order["stop_price"]
    if level is not None:
        return f"{size}, {kind} {names.price(level, order['symbol'])}"
    return f"{size} at market" if kind == "market" else f"{size}, {kind}"


def _fired(payload: Payload, names: Names) -> Saying:
    alert = payload["alert"]
    symbol = alert["symbol"]
    if alert["percent"]:
        level = f"{quantity(Decimal(alert['percent']))}%"
    else:
        level = names.price(alert["price"], symbol)
    wish = f"Your alert: {WISHES[alert['kind']]} {level}. {alert['note']}"
    return Saying(
        f"{symbol} is at {names.price(alert['fired_price'], symbol)}", wish.strip(), symbol
    )


def _posted(payload: Payload, names: Names) -> Saying:
    (transaction, *_) = payload["transactions"]
    title = str(transaction["kind"]).replace("_", " ").capitalize()
    described = discreet.sentence(str(transaction["description"]))
    more = "" if described in {"", title} else f" {described}."
    return Saying(title, f"{_moved(transaction)}.{more}")


def _adjusted(payload: Payload, names: Names) -> Saying:
    (transaction, *_) = payload["transactions"]
    return Saying("Cash corrected by staff", f"{_moved(transaction)}. {transaction['description']}")


def _moved(transaction: Payload) -> str:
    """Say what a transaction did to its customer's cash."""
    own = [each for each in transaction["entries"] if each["account_id"] is not None]
    return " and ".join(
        f"{own_signed_money(Decimal(each['amount']), each['currency'])} {each['currency']}"
        for each in own
    )


def _converted(payload: Payload, names: Names) -> Saying:
    told = payload["conversion"]
    gone = _amount(told["source_amount"], told["source_currency"])
    come = _amount(told["target_amount"], told["target_currency"])
    return Saying("Converted", f"{gone} became {come}.")


def _entitled(payload: Payload, names: Names) -> Saying:
    told = payload["dividend"]
    symbol = names.symbol(told["action_id"])
    shares = quantity(Decimal(told["quantity"]))
    text = f"{_amount(told['gross_amount'], told['currency'])} for {shares} {symbol}, not paid yet."
    return Saying("Dividend on its way", text, symbol)


def _paid(payload: Payload, names: Names) -> Saying:
    told = payload["dividend"]
    symbol, withheld = names.symbol(told["action_id"]), Decimal(told["withheld_amount"])
    less = f", less {_amount(told['withheld_amount'], told['currency'])} of tax" if withheld else ""
    shares = quantity(Decimal(told["quantity"]))
    text = f"{_amount(told['gross_amount'], told['currency'])} for {shares} {symbol}{less}."
    return Saying("Dividend paid", text, symbol)


def _split(payload: Payload, names: Names) -> Saying:
    told = payload["split"]
    symbol = names.symbol(told["action_id"])
    before, after = (quantity(Decimal(told[f"quantity_{when}"])) for when in ("before", "after"))
    paid = " Fractions were paid in cash." if Decimal(told["cash_in_lieu"]) > ZERO else ""
    return Saying("Split", f"{before} {symbol} became {after}.{paid}", symbol)


def _violation(payload: Payload, names: Names) -> Saying:
    told = payload["violation"]
    amount = _amount(told["amount"], told["currency"])
    text = f"Shares bought with {amount} of unsettled cash were sold before it settled."
    return Saying("Good-faith violation", text)


def _amount(text: str, currency: str) -> str:
    return f"{own_money(Decimal(text), currency)} {currency}"


_SAYINGS: dict[str, Callable[[Payload, Names], Saying]] = {
    "trade.executed": _executed,
    "trade.busted": _busted,
    "order.rejected": _ended("Rejected"),
    "order.canceled": _ended("Canceled"),
    "order.expired": _ended("Expired"),
    "alert.fired": _fired,
    "cash.posted": _posted,
    "cash.converted": _converted,
    "adjustment.approved": _adjusted,
    "dividend.entitled": _entitled,
    "dividend.paid": _paid,
    "portfolio.split_applied": _split,
    "account.frozen": lambda *_: Saying("Account frozen", "It trades when staff release it."),
    "account.released": lambda *_: Saying("Account released", "It trades again."),
    "account.good_faith_violation": _violation,
}
