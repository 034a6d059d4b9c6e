"""What a dividend pays on a holding: rounded once on the holding, the tax once on that."""

from decimal import Decimal

import pytest

from portfolios import dividends

# shares | a share | currency | rate | gross | withheld | net
TABLE = """
100  | 0.47    | USD | 0.30    | 47.00 | 14.10 | 32.90
3    | 0.015   | USD | 0       | 0.04  | 0     | 0.04
5    | 0.005   | USD | 0.30    | 0.02  | 0.01  | 0.01
7    | 0.005   | USD | 0.30    | 0.04  | 0.01  | 0.03
1    | 0.004   | USD | 0.30    | 0     | 0     | 0
333  | 0.333   | EUR | 0.26375 | 110.89 | 29.25 | 81.64
10   | 55.5    | JPY | 0.15315 | 555   | 85    | 470
3    | 0.0015  | KWD | 0       | 0.004 | 0     | 0.004
2.5  | 1.10    | GBP | 1       | 2.75  | 2.75  | 0
"""


def compare_with_table(line, subject):
    shares, amount, currency, rate, *expected = (part.strip() for part in line.split("|"))
    found = subject.payment_on(Decimal(shares), Decimal(amount), Decimal(rate), currency)
    assert [found.gross, found.withheld, found.net] == [Decimal(each) for each in expected]


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_the_table(line):
    compare_with_table(line, dividends)
