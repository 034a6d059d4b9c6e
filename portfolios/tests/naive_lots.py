"""Lots sold share by share: the oracle of portfolios.lots.

Every half share is an item in a queue; amounts are Fractions, rounded by hand.
"""

from collections import Counter
from fractions import Fraction

STEP = Fraction(1, 2)


class NaiveLot:
    """Shares bought together: what they cost, and how many of them have been sold for how much."""

    def __init__(self, lot_id, quantity, cost):
        self.id = lot_id
        self.bought = Fraction(quantity)
        self.cost = Fraction(cost)
        self.sold = Fraction(0)
        self.sold_cost = Fraction(0)

    @property
    def left(self):
        return self.bought - self.sold

    @property
    def cost_left(self):
        return self.cost - self.sold_cost


def naive_sale(method, lots, quantity, net_proceeds, unit):
    """Sell from lots and return [(lot id, quantity, cost, proceeds)]; None for want of shares.

    lots: NaiveLots, oldest first, which the sale changes; unit: the currency's minor unit.
    """
    quantity, net_proceeds = Fraction(quantity), Fraction(net_proceeds)
    queue = [lot for lot in order(method, lots) for _ in range(int(lot.left / STEP))]
    wanted = int(quantity / STEP)
    if wanted > len(queue):
        return None
    taken = Counter(queue[:wanted])
    rows = [[lot, shares * STEP] for lot, shares in taken.items()]
    costs = average(rows, lots, quantity, unit) if method == "average" else by_lot(rows, unit)
    proceeds = spread(net_proceeds, [shares for _, shares in rows], unit)
    closings = []
    for (lot, shares), cost, share in zip(rows, costs, proceeds, strict=True):
        lot.sold += shares
        lot.sold_cost += cost
        closings.append((lot.id, shares, cost, share))
    if method == "average":
        held = [lot for lot in lots if lot.left]
        whole = sum(lot.cost_left for lot in lots)
        for lot in lots:  # an average holding is one heap: every lot starts anew with its share
            lot.bought, lot.cost, lot.sold, lot.sold_cost = lot.left, Fraction(0), 0, 0
        for lot, cost in zip(held, spread(whole, [lot.left for lot in held], unit), strict=True):
            lot.cost = cost
    return closings


def order(method, lots):
    if method == "lifo":
        return lots[::-1]
    if method == "hifo":
        return sorted(lots, key=lambda lot: lot.bought and -lot.cost / lot.bought)
    return lots


def by_lot(rows, unit):
    """Return each part's cost: its share of the lot, counted from the lot's first share sold."""
    costs = []
    for lot, shares in rows:
        sold = lot.sold + shares
        cost = lot.cost if sold == lot.bought else to_even(lot.cost * sold / lot.bought, unit)
        costs.append(cost - lot.sold_cost)
    return costs


def average(rows, lots, quantity, unit):
    """Return each part's cost: its share of what the whole holding costs."""
    held, cost = sum(lot.left for lot in lots), sum(lot.cost_left for lot in lots)
    sold = cost if quantity == held else to_even(cost * quantity / held, unit)
    return spread(sold, [shares for _, shares in rows], unit)


def spread(amount, weights, unit):
    """Split an amount by weights; the last part takes what rounding leaves."""
    if not weights:
        return []
    parts = [to_even(amount * weight / sum(weights), unit) for weight in weights[:-1]]
    return [*parts, amount - sum(parts)]


def to_even(amount, unit):
    """Round to a whole number of units; a half goes to the even neighbour."""
    count = amount / Fraction(unit)
    floor = count.numerator // count.denominator
    rest = count - floor
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1):
        floor += 1
    return floor * Fraction(unit)
