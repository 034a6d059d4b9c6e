"""What can be read of the real broker, in the words of Model.seen(): a query for each kind."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models.functions import Coalesce

from accounts.models import CashBalance, GoodFaithViolation, UnsettledCash
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from tests.state.plain_terms import CLOSED, LASTING
from tests.state.product import CARRIED_ON, Product
from trades.selectors import standing_trades

D = Decimal
COLUMNS = [
    *("id", "account_id", "client_order_id", "status", "quantity", "filled_quantity"),
    *("busted_quantity", "filled_value", "reserved", "commission", "fees", "triggered_at"),
    *("stop_price", "high_water_mark", "replaced_by", "replaces", "instrument_id", "side"),
    *("type", "time_in_force", "limit_price", "priority", "realism", "group_id", "leg"),
]
Key = tuple[str, str]
"""The account's name and the client_order_id."""


class Reading:
    """The rows of one moment. seen is what Model.seen() tells, crossed what must be empty."""

    def __init__(self, product: Product) -> None:
        self.names = {account: name for name, account in product.accounts.items()}
        self.owners = {portfolio: name for name, portfolio in product.portfolios.items()}
        self.symbols = {each.id: symbol for symbol, each in product.instruments.items()}
        self.seen: dict[str, dict] = {}
        self.resting: list[tuple] = []
        keys = self._orders()
        self._trades(keys)
        self._cash(keys)
        self._holdings()

    @property
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

    def _orders(self) -> dict[UUID, Key]:
        found, keys = self.seen.setdefault("orders", {}), {}
        rows = list(Order.objects.order_by("id").values(*COLUMNS))
        own = {row["id"]: row["client_order_id"] for row in rows}
        for row in rows:
            key = row["client_order_id"]
            if key.startswith(CARRIED_ON):
                key = CARRIED_ON + keys[row["replaces"]][1]
            elif row["leg"] and row["group_id"] != row["id"]:
                key = f"{own[row['group_id']]}/{row['leg']}"
            keys[row["id"]] = self.names[row["account_id"]], key
        for row in rows:
            found[keys[row["id"]]] = _order_seen(row, keys)
            may_rest = row["type"] == "limit" and row["time_in_force"] in LASTING
            is_on_book = may_rest and row["realism"] != "harsh"  # those may be on their way yet
            if is_on_book and row["priority"] is not None and row["status"] not in CLOSED:
                self.resting.append(
                    (row["instrument_id"], row["side"], row["account_id"], row["limit_price"])
                )
        return keys

    def _trades(self, keys: dict[UUID, Key]) -> None:
        found = self.seen["trades"] = {key: [] for key in keys.values()}
        standing = standing_trades().order_by(Coalesce("corrects_id", "exec_id"))
        for order, quantity, price in standing.values_list("order_id", "quantity", "price"):
            found[keys[order]].append((quantity, price))

    def _cash(self, keys: dict[UUID, Key]) -> None:
        cash = self.seen["cash"] = {}
        balances = CashBalance.objects.values_list("account_id", "currency", "amount", "reserved")
        for account, currency, *money in balances:
            cash[self.names[account], currency] = tuple(money)
        proceeds = self.seen["proceeds"] = {name: [] for name in self.names.values()}
        unsettled = UnsettledCash.objects.order_by("remaining_amount")
        for account, left in unsettled.values_list("account_id", "remaining_amount"):
            proceeds[self.names[account]].append(left)
        violations = self.seen["violations"] = {name: set() for name in self.names.values()}
        standing = GoodFaithViolation.objects.filter(busted_by=None)
        for order in standing.values_list("bought_by", flat=True):
            name, key = keys[order]
            violations[name].add(key)

    def _holdings(self) -> None:
        shares, all_lots, realized = {}, {}, {}
        self.seen |= {"shares": shares, "lots": all_lots, "realized": realized}
        for portfolio, instrument, *numbers in Position.objects.values_list(
            "portfolio_id", "instrument_id", "quantity", "reserved_quantity"
        ):
            where = (self.owners[portfolio], self.symbols[instrument])
            shares[where], all_lots[where], realized[where] = tuple(numbers), [], D(0)
        holdings = {}
        lots = Lot.objects.order_by("opened_at", "id").values_list(
            "id", "portfolio_id", "instrument_id", "remaining_quantity", "remaining_cost"
        )
        for lot, portfolio, instrument, quantity, cost in lots:
            holdings[lot] = where = (self.owners[portfolio], self.symbols[instrument])
            if quantity:
                all_lots[where].append((quantity, cost))
        for lot, pnl in LotClosing.objects.values_list("lot_id", "realized_pnl"):
            realized[holdings[lot]] += pnl


def _order_seen(row: dict[str, Any], keys: dict[UUID, Key]) -> dict[str, Any]:
    filled, value, heir = row["filled_quantity"], row["filled_value"], row["replaced_by"]
    return {
        "status": row["status"],
        "quantity": row["quantity"],
        "filled": filled,
        "busted": row["busted_quantity"],
        "average": (value / filled).quantize(D("1e-8")) if filled else None,
        "reserved": row["reserved"],
        "commission": row["commission"],
        "fees": row["fees"],
        "triggered": row["triggered_at"] is not None,
        "stop": row["stop_price"],
        "mark": row["high_water_mark"],
        "replaced by": None if heir is None else keys[heir][1],
    }
