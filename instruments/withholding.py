"""What a country keeps of a dividend that its companies pay to a holder abroad. Pure.

The rates of the law, without a treaty: Bengi does not know where a customer lives. Staff may say
another rate for a dividend.
"""

from decimal import Decimal

from bengi.money import ZERO

RATES = {
    "US": Decimal("0.30"),  # Internal Revenue Code, sections 871(a) and 1441
    "GB": ZERO,  # dividends are paid without deduction
    "DE": Decimal(
        "0.26375"
    ),  # section 43a EStG, 25 %, with the solidarity surcharge of 5.5 % of it
    "NL": Decimal("0.15"),  # Wet op de dividendbelasting 1965, article 5
    "JP": Decimal("0.15315"),  # listed shares, with the reconstruction surtax
    "HK": ZERO,  # dividends are not taxed
}
"""Withholding rate by country, as a share of the gross amount."""

COUNTRIES = {
    "XNYS": "US",
    "XNAS": "US",
    "ARCX": "US",
    "XLON": "GB",
    "XETR": "DE",
    "XAMS": "NL",
    "XTKS": "JP",
    "XHKG": "HK",
}
"""Country by exchange; the house venue is in none."""


def withholding_rate(mic: str) -> Decimal:
    """Return the share of a dividend that is kept where the exchange is; nothing elsewhere."""
    country = COUNTRIES.get(mic)
    return RATES[country] if country else ZERO
