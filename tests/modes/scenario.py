"""One day in the class: the same story in every mode, with the same events at its end.

Two traders deal in a stock that no feed quotes; its first shares come from the dealer, who fills a
buy by hand. Each step waits until the socket has told of what it did, so the order of events is
the story's and not the machine's.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, NamedTuple

from tests.modes.people import Person, enroll
from tests.modes.processes import Fleet

NAMES = {"seller": "trader", "buyer": "trader", "dealer": "dealer"}


class Told(NamedTuple):
    """What a person heard on the socket of their account, in order."""

    seqs: list[int]
    events: list[tuple[str, str]]
    """type of the message and of the event"""


def play(fleet: Fleet) -> dict[str, Told]:
    """Play the whole story; return what each trader heard."""
    for name, role in NAMES.items():
        enroll(fleet, name, role)
    with ExitStack() as stack:
        seller, buyer, dealer = (stack.enter_context(Person(fleet, name)) for name in NAMES)
        put_in(seller, buyer)
        list_shares(seller, dealer)
        trade(seller, buyer)
        change_their_minds(seller, buyer)
        be_refused(buyer)
        sell_all_at_once(seller, buyer)
        return {each.name: told(each) for each in (seller, buyer)}


def put_in(seller: Person, buyer: Person) -> None:
    for person in (seller, buyer):
        path = f"accounts/{person.account_id}/deposit"
        for _ in range(2):  # the second time it is the first one's answer
            person.post(path, key="first", amount="2500.00", currency="USD")
        person.until("the money", lambda message: message.get("event") == "cash.posted")


def list_shares(seller: Person, dealer: Person) -> None:
    order = seller.order("shares", "buy", "100", "10.00")
    seller.until_order(order, "new")
    wanted = {"order_id": order["id"], "quantity": "100", "price": "10.00", "reason": "Listing"}
    dealer.post("trades/execute", key="listing", **wanted)
    seller.until_order(order, "filled")


def trade(seller: Person, buyer: Person) -> None:
    """Three offers; buys that take the best one, a part, and the rest at once."""
    offers = []
    for key, quantity, price in (
        ("offer-0", "30", "12.00"),
        ("offer-1", "20", "12.50"),
        ("offer-2", "10", "11.00"),
    ):
        offers.append(seller.order(key, "sell", quantity, price))
        seller.until_order(offers[-1], "new")
    first = buyer.order("take-25", "buy", "25", "12.00")
    assert buyer.until_order(first, "filled")["average_price"] == "11.6"
    seller.until_order(offers[2], "filled")
    seller.until_order(offers[0], "partially_filled")
    second = buyer.order("take-50", "buy", "50", "12.00")
    assert buyer.until_order(second, "partially_filled")["filled_quantity"] == "15"
    seller.until_order(offers[0], "filled")
    changed = buyer.patch(f"orders/{second['id']}", limit_price="12.50", client_order_id="up")
    buyer.until_order(second, "replaced")
    buyer.until_order(changed, "partially_filled")
    seller.until_order(offers[1], "filled")
    buyer.post(f"orders/{changed['id']}/cancel")
    assert buyer.until_order(changed, "canceled")["filled_quantity"] == "20"


def change_their_minds(seller: Person, buyer: Person) -> None:
    """An order of a moment that nobody meets; the same order twice; one that is canceled."""
    at_once = buyer.order("at-once", "buy", "5", "1.00", time_in_force="ioc")
    buyer.until_order(at_once, "canceled", "expired")
    rests = buyer.order("rests", "buy", "3", "2.00")
    buyer.until_order(rests, "new")
    assert buyer.order("rests", "buy", "3", "2.00")["id"] == rests["id"]
    buyer.post(f"orders/{rests['id']}/cancel")
    buyer.until_order(rests, "canceled")


def be_refused(buyer: Person) -> None:
    too_much = {"symbol": "BNGI", "side": "buy", "type": "limit", "quantity": "900000"}
    answer = buyer.ask("POST", "orders", {**too_much, "limit_price": "12.00"})
    assert answer.status_code == 422, answer.text


def sell_all_at_once(seller: Person, buyer: Person) -> None:
    """A batch that rests, of which one order is met and the others are canceled together."""
    prices = ("13.00", "13.50", "14.00")
    body = {"symbol": "BNGI", "side": "sell", "type": "limit", "quantity": "4"}
    tickets = [
        {**body, "limit_price": price, "client_order_id": f"batch-{price}"} for price in prices
    ]
    results = seller.post("orders/batch", orders=tickets)["results"]
    placed = [each["order"] for each in results]
    for order in placed:
        seller.until_order(order, "new")
    met = buyer.order("meets", "buy", "4", "13.00")
    buyer.until_order(met, "filled")
    seller.until_order(placed[0], "filled")
    seller.post("orders/cancel-all")
    for order in placed[1:]:
        seller.until_order(order, "canceled")


def told(person: Person) -> Told:
    """Return what the account's socket told, without what is no event."""
    numbered: list[dict[str, Any]] = [each for each in person.messages if "seq" in each]
    events = [(each["type"], each["event"]) for each in numbered]
    return Told([each["seq"] for each in numbered], events)
