"""What a split did to an order, in words. Its step tells the terms before and after."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bengi.money import plain
from instruments.splits import Ratio, new_price, new_volume
from orders.lifecycle import OPEN
from trades.explanation.subject import Step, Subject
from trades.explanation.telling import Told, Words

_PRICES = {"limit_price": "limit", "stop_price": "stop", "trail_price": "trail"}


def split(told: Told, of: Subject) -> Words:
    """Say what an order became by a split: adjusted, carried on by another, or over."""
    step, status = told.step, told.order["status"]
    name = f"{step['ratio']} split"
    if status in {"canceled", "rejected"}:
        reason = str(told.order.get("reason") or f"A {name} came first.")
        text = f"{reason} {_freed(told, of)}".strip()
        return Words(str(status).capitalize(), text, name, tone="warn", by="staff")
    if status == "replaced":
        text = "What it has filled was in old shares; another order wants the rest in new ones."
        return Words("Goes on as another order", text, name, by="staff")
    before, after = _terms(step["before"], of), _terms(step["after"], of)
    text = f"{before} became {after}, in new shares."
    return Words(f"Adjusted for a {name}", text, by="staff")


def in_new_shares(quote: Step, later: Iterable[Told]) -> Step:
    """Return a quote as it would have been after the splits that the order has come through."""
    for told in later:
        if told.step["kind"] == "split" and told.order["status"] in OPEN:
            quote = _adjusted(quote, told.step["ratio"])
    return quote


def _adjusted(quote: Step, ratio: str) -> Step:
    new, old = map(int, ratio.split(":"))
    over = Ratio(new, old)
    prices = {name: _plain(new_price(_number(quote.get(name)), over)) for name in _QUOTED}
    sizes = {name: _plain(new_volume(Decimal(quote[name]), over)) for name in _SIZES}
    return {**quote, **prices, **sizes}


_QUOTED = ("bid", "ask", "last")
_SIZES = ("bid_size", "ask_size")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _terms(values: Mapping[str, str | None], of: Subject) -> str:
    """Write what an order wanted: 70, limit 9.19."""
    quantity = values["quantity"]
    parts = ["nothing" if quantity is None else of.number(quantity)]
    for name, word in _PRICES.items():
        price = values.get(name)
        if price is not None:
            parts.append(f"{word} {of.price(price)}")
    return ", ".join(parts)


def _freed(told: Told, of: Subject) -> str:
    """Say what the order held until then; a leg holds nothing, or for two."""
    if told.order.get("leg"):
        return ""
    before = told.step["before"]
    held = before["reserved"] if of.is_buy else before["quantity"]
    if not Decimal(held or 0):
        return ""
    what = of.money(held) if of.is_buy else f"{of.number(held)} {of.symbol}"
    return f"{what} are free again."
