"""The instruments a fresh installation starts with: facts about real listings, and a class stock.

Tick sizes follow the exchanges' tables at the starting price (London quotes in pence: its ticks are
those of the price in pence), quantity steps the boards' trading units; of US shares one can also
have parts, which the broker makes out of whole ones. Starting prices are merely plausible; the
simulated market walks on from there.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from bengi.terms import InstrumentType, Sector

Volatility = Literal["calm", "normal", "lively", "wild"]


class Listing(msgspec.Struct, frozen=True):
    """One instrument on one exchange; prices in currency. Without a feed nobody quotes it.

    exchange_step: the exchange's own unit where quantity_step is finer; else None. sector: empty
    where there is none or it can be argued about.
    """

    symbol: str
    name: str
    mic: str
    type: InstrumentType
    currency: str
    tick_size: Decimal
    quantity_step: Decimal
    starting_price: Decimal
    volatility: Volatility
    has_feed: bool = True
    exchange_step: Decimal | None = None
    sector: Sector | Literal[""] = ""


_CURRENCY = {
    **dict.fromkeys(("XNYS", "XNAS", "ARCX", "BNGI"), "USD"),
    **dict.fromkeys(("XETR", "XAMS"), "EUR"),
    "XLON": "GBP",
    "XTKS": "JPY",
    "XHKG": "HKD",
}

# symbol | name | exchange | type | tick size | quantity step | starting price | volatility
_TABLE = """
AAPL   | Apple Inc.                    | XNAS | stock  | 0.01   | 0.0001 | 228.50   | normal
MSFT   | Microsoft Corporation         | XNAS | stock  | 0.01   | 0.0001 | 424.20   | normal
NVDA   | NVIDIA Corporation            | XNAS | stock  | 0.01   | 0.0001 | 138.40   | lively
AMZN   | Amazon.com, Inc.              | XNAS | stock  | 0.01   | 0.0001 | 204.10   | normal
GOOGL  | Alphabet Inc. Class A         | XNAS | stock  | 0.01   | 0.0001 | 171.90   | normal
META   | Meta Platforms, Inc.          | XNAS | stock  | 0.01   | 0.0001 | 563.30   | lively
TSLA   | Tesla, Inc.                   | XNAS | stock  | 0.01   | 0.0001 | 341.80   | wild
INTC   | Intel Corporation             | XNAS | stock  | 0.01   | 0.0001 | 24.35    | lively
QQQ    | Invesco QQQ Trust             | XNAS | etf    | 0.01   | 0.0001 | 504.60   | normal
JPM    | JPMorgan Chase & Co.          | XNYS | stock  | 0.01   | 0.0001 | 244.70   | normal
XOM    | Exxon Mobil Corporation       | XNYS | stock  | 0.01   | 0.0001 | 120.90   | normal
KO     | The Coca-Cola Company         | XNYS | stock  | 0.01   | 0.0001 | 63.15    | calm
IBM    | IBM Corporation               | XNYS | stock  | 0.01   | 0.0001 | 214.60   | calm
BAC    | Bank of America Corporation   | XNYS | stock  | 0.01   | 0.0001 | 46.25    | normal
PG     | The Procter & Gamble Company  | XNYS | stock  | 0.01   | 0.0001 | 172.30   | calm
DIS    | The Walt Disney Company       | XNYS | stock  | 0.01   | 0.0001 | 113.40   | normal
PFE    | Pfizer Inc.                   | XNYS | stock  | 0.01   | 0.0001 | 25.60    | calm
GE     | General Electric Company      | XNYS | stock  | 0.01   | 0.0001 | 178.90   | normal
F      | Ford Motor Company            | XNYS | stock  | 0.01   | 0.0001 | 11.15    | lively
BA     | The Boeing Company            | XNYS | stock  | 0.01   | 0.0001 | 149.80   | lively
SPY    | SPDR S&P 500 ETF Trust        | ARCX | etf    | 0.01   | 0.0001 | 590.40   | calm
IWM    | iShares Russell 2000 ETF      | ARCX | etf    | 0.01   | 0.0001 | 236.10   | normal
SHEL   | Shell plc                     | XLON | stock  | 0.005  | 1      | 25.880   | calm
AZN    | AstraZeneca PLC               | XLON | stock  | 0.02   | 1      | 104.60   | normal
HSBA   | HSBC Holdings plc             | XLON | stock  | 0.001  | 1      | 7.356    | calm
ULVR   | Unilever PLC                  | XLON | stock  | 0.005  | 1      | 45.650   | calm
VOD    | Vodafone Group Plc            | XLON | stock  | 0.0001 | 1      | 0.7012   | normal
SAP    | SAP SE                        | XETR | stock  | 0.05   | 1      | 222.35   | normal
SIE    | Siemens AG                    | XETR | stock  | 0.02   | 1      | 183.20   | normal
ALV    | Allianz SE                    | XETR | stock  | 0.05   | 1      | 291.40   | calm
BMW    | Bayerische Motoren Werke AG   | XETR | stock  | 0.01   | 1      | 69.84    | normal
ASML   | ASML Holding N.V.             | XAMS | stock  | 0.1    | 1      | 638.2    | lively
INGA   | ING Groep N.V.                | XAMS | stock  | 0.002  | 1      | 14.782   | normal
7203   | Toyota Motor Corporation      | XTKS | stock  | 1      | 100    | 2712     | normal
6758   | Sony Group Corporation        | XTKS | stock  | 1      | 100    | 2935     | normal
8306   | Mitsubishi UFJ Financial Group| XTKS | stock  | 1      | 100    | 1798     | normal
9984   | SoftBank Group Corp.          | XTKS | stock  | 1      | 100    | 8940     | wild
0005   | HSBC Holdings plc             | XHKG | stock  | 0.05   | 400    | 71.85    | calm
0700   | Tencent Holdings Limited      | XHKG | stock  | 0.2    | 100    | 402.6    | normal
9988   | Alibaba Group Holding Limited | XHKG | stock  | 0.05   | 100    | 83.30    | lively
BTCUSD | Bitcoin                       | BNGI | crypto | 0.01   | 0.00000001 | 96420.00 | wild
ETHUSD | Ether                         | BNGI | crypto | 0.01   | 0.00000001 | 3348.00  | wild
BNGI   | Bengi Class Stock             | BNGI | stock  | 0.01   | 1      | 10.00    | calm
"""

_SECTORS = {
    Sector.COMMUNICATION: "GOOGL META DIS VOD 0700",
    Sector.CONSUMER_CYCLICAL: "AMZN TSLA F BMW 7203 6758 9988",
    Sector.CONSUMER_DEFENSIVE: "KO PG ULVR",
    Sector.ENERGY: "XOM SHEL",
    Sector.FINANCIALS: "JPM BAC HSBA ALV INGA 8306 0005",
    Sector.HEALTH_CARE: "PFE AZN",
    Sector.INDUSTRIALS: "GE BA SIE",
    Sector.TECHNOLOGY: "AAPL MSFT NVDA INTC IBM SAP ASML",
}
_SECTOR = {symbol: sector for sector, symbols in _SECTORS.items() for symbol in symbols.split()}
_WITHOUT_FEED = {"BNGI"}
_WHOLE = Decimal(1)
_IN_PARTS = frozenset({"XNYS", "XNAS", "ARCX"})
"""Exchanges that trade whole shares, while the broker deals in parts of them too."""


def listings() -> list[Listing]:
    """Return the catalog, in the order in which it is written."""
    return [_listing(line) for line in _TABLE.strip().splitlines()]


def _listing(line: str) -> Listing:
    symbol, name, mic, kind, tick, step, price, volatility = (
        cell.strip() for cell in line.split("|")
    )
    return Listing(
        symbol=symbol,
        name=name,
        mic=mic,
        type=InstrumentType(kind),
        currency=_CURRENCY[mic],
        tick_size=Decimal(tick),
        quantity_step=Decimal(step),
        starting_price=Decimal(price),
        volatility=msgspec.convert(volatility, Volatility),
        has_feed=symbol not in _WITHOUT_FEED,
        exchange_step=_WHOLE if mic in _IN_PARTS else None,
        sector=_SECTOR.get(symbol, ""),
    )
