"""Performance the long way round: a fund that sells and takes back units, and sums tried out.

Shares no code with portfolios/analytics.
"""

from fractions import Fraction


def unit_prices(days):
    """days: (equity, deposited, withdrawn) each, the first one the start. Return what a unit of a
    fund costs at each end: deposits buy units at the price before, withdrawals sell at the new one.
    """
    price, units = Fraction(1), Fraction(days[0][0])
    told = [price]
    for equity, deposited, withdrawn in days[1:]:
        units += Fraction(deposited) / price if price else 0
        if units:
            price = (Fraction(equity) + Fraction(withdrawn)) / units
            units -= Fraction(withdrawn) / price if price else 0
        told.append(price)
    return told


def deepest(values):
    """Return the deepest fall of any value below any earlier one, as a fraction of that one."""
    pairs = ((a, b) for i, a in enumerate(values) for b in values[i:] if a)
    return min((Fraction(b) / Fraction(a) - 1 for a, b in pairs), default=Fraction(0))


def worth_at_the_end(flows, rate):
    """Return what (share of the span left, amount) flows come to at its end, at a rate over it."""
    return sum(float(amount) * (1 + float(rate)) ** left for left, amount in flows)


def grown(deposits, yearly, last_day):
    """Return what (day, amount) deposits have become by last_day at a yearly rate."""
    return sum(float(amount) * (1 + yearly) ** ((last_day - day) / 365) for day, amount in deposits)


def held_beside(days, prices):
    """days as for unit_prices(), all prices known: the worth of the same money in shares."""
    shares, told = Fraction(days[0][0]) / prices[0], []
    for place, (_, deposited, withdrawn) in enumerate(days):
        if place:
            shares = shares + Fraction(deposited) / prices[place - 1]
            shares = shares - Fraction(withdrawn) / prices[place]
        told.append(shares * prices[place])
    return told
