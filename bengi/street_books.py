"""The invariants of trades with the street: by the rules of the order's realism profile."""

from collections.abc import Callable, Iterator

from bengi.terms import Liquidity
from instruments.realism import NO_TIME, profile_of
from trades.models import Trade


def street_waited_for_arrival() -> Iterator[str]:
    """[20] No order traded with a quote from before it had arrived, where its profile has a way."""
    trades = Trade.objects.filter(liquidity=Liquidity.STREET).select_related("order")
    for trade in trades.iterator():
        order = trade.order
        latency = profile_of(order.realism).latency
        if latency == NO_TIME or trade.quote_as_of is None:
            continue
        early = order.accepted_at + latency - trade.quote_as_of
        if early > NO_TIME:
            yield f"trade {trade.exec_id}: its quote came {early} before order {order.id} did"


STREET_CHECKS: list[Callable[[], Iterator[str]]] = [street_waited_for_arrival]
