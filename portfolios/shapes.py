"""What the API answers about portfolios, positions and lots, for its document."""

from typing import Literal

from bengi.schema.shapes import Amount, Currency, Day, Id, Moment, Shape
from bengi.terms import CostBasisMethod

Term = Literal["short", "long"]


class Portfolio(Shape):
    """A portfolio, and the method by which its sales choose lots."""

    id: Id
    account_id: Id
    name: str
    cost_basis_method: CostBasisMethod


class Position(Shape):
    """A holding; its worth is null while no price is known."""

    symbol: str
    name: str
    currency: Currency
    quantity: Amount
    reserved_quantity: Amount
    unit_cost: Amount
    cost_basis: Amount
    last: Amount | None
    market_value: Amount | None
    unrealized_pnl: Amount | None


class Closing(Shape):
    """What one sale took out of a lot or, negative, its bust put back; net of fees."""

    exec_id: Id
    lot_id: Id
    opened_at: Moment
    closed_at: Moment
    method: CostBasisMethod
    quantity: Amount
    cost: Amount
    proceeds: Amount
    fees: Amount
    realized_pnl: Amount
    holding_days: int
    term: Term


class LotSplit(Shape):
    """What a split did to a lot."""

    id: Id
    action_id: Id
    ratio_to: int
    ratio_from: int
    ex_date: Day
    quantity_before: Amount
    quantity_after: Amount
    remaining_before: Amount
    remaining_after: Amount


class Lot(Shape):
    """A tax lot; cost_basis and unit_cost are of what is left of it."""

    lot_id: Id
    exec_id: Id
    symbol: str
    currency: Currency
    opened_at: Moment
    quantity: Amount
    remaining_quantity: Amount
    cost: Amount
    cost_basis: Amount
    unit_cost: Amount | None
    holding_days: int
    term: Term
    busted_by: Id | None
    closings: list[Closing]
    splits: list[LotSplit]
