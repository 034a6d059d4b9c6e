"""The words of the trade, as they stand in JSON, in columns and on pages, with their FIX fields."""

from enum import StrEnum


class Side(StrEnum):
    """FIX 54."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """FIX 40."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """FIX 59."""

    DAY = "day"
    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class OrderStatus(StrEnum):
    """FIX 39. accepted: booked, not yet seen by the engine; new: working in the book."""

    ACCEPTED = "accepted"
    NEW = "new"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"


class OrderClass(StrEnum):
    """How an order hangs together with others (FIX 1385). otoco is a bracket by its other name."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    OTOCO = "otoco"


class Leg(StrEnum):
    """What an order is to its group when it is not the entry."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


class Liquidity(StrEnum):
    """Who stood on the other side: another customer's order, or the market's quote (FIX 851).

    manual: one of staff executed the order by hand.
    """

    BOOK = "book"
    STREET = "street"
    MANUAL = "manual"


class TradeKind(StrEnum):
    """FIX 150. bust: the trade it names, taken back; correction: an execution, booked anew."""

    EXECUTION = "execution"
    BUST = "bust"
    CORRECTION = "correction"


class CorrectionKind(StrEnum):
    """What staff ask for: a trade taken back wholly, or with another price or fewer shares."""

    BUST = "bust"
    ADJUST = "adjust"


class CorrectionOutcome(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    DECLINED = "declined"


class MessageKind(StrEnum):
    """What an engine works on, one by one, and what can be set aside.

    turn: a session begins or ends.
    """

    TICK = "tick"
    ORDER = "order"
    CANCEL = "cancel"
    REPLACE = "replace"
    EXPIRY = "expiry"
    TURN = "turn"
    CORPORATE_ACTION = "corporate_action"


class SetAsideStatus(StrEnum):
    """trying: it failed and is tried again; set_aside: no more; released: staff say once more."""

    TRYING = "trying"
    SET_ASIDE = "set_aside"
    RELEASED = "released"


class SetAsideOutcome(StrEnum):
    """dropped: it is gone; closed: its order was, with its group; waiting: it stays as it is."""

    DROPPED = "dropped"
    CLOSED = "closed"
    WAITING = "waiting"


class Realism(StrEnum):
    """How close to a real market an account trades; instruments/realism.py says what each means."""

    INSTANT = "instant"
    REALISTIC = "realistic"
    HARSH = "harsh"


class LedgerKind(StrEnum):
    """Why money moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"
    COMMISSION = "commission"
    FEE = "fee"
    DIVIDEND = "dividend"
    WITHHOLDING = "withholding"
    CASH_IN_LIEU = "cash_in_lieu"
    FX = "fx"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


class LedgerBook(StrEnum):
    """The ledger accounts. Only customer_cash belongs to a customer; the rest are the house's.

    fx is the other side of conversions, to 8 places; rounding what they leave below a minor unit;
    house the other side of adjustments; issuers of dividends and of cash in lieu of fractions;
    withholding the tax that dividends leave behind.
    """

    CUSTOMER_CASH = "customer_cash"
    CLEARING = "clearing"
    COMMISSION = "commission"
    FEES = "fees"
    EXTERNAL = "external"
    FX = "fx"
    ROUNDING = "rounding"
    HOUSE = "house"
    ISSUERS = "issuers"
    WITHHOLDING = "withholding"


class AccountStatus(StrEnum):
    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSED = "closed"


class InstrumentStatus(StrEnum):
    ACTIVE = "active"
    HALTED = "halted"
    DELISTED = "delisted"


class InstrumentType(StrEnum):
    STOCK = "stock"
    ETF = "etf"
    CRYPTO = "crypto"


class Sector(StrEnum):
    """What a company does business in, as the common word of eleven has it."""

    COMMUNICATION = "communication"
    CONSUMER_CYCLICAL = "consumer_cyclical"
    CONSUMER_DEFENSIVE = "consumer_defensive"
    ENERGY = "energy"
    FINANCIALS = "financials"
    HEALTH_CARE = "health_care"
    INDUSTRIALS = "industrials"
    MATERIALS = "materials"
    REAL_ESTATE = "real_estate"
    TECHNOLOGY = "technology"
    UTILITIES = "utilities"


class CorporateActionKind(StrEnum):
    """What an issuer does to everybody who holds its shares."""

    SPLIT = "split"
    REVERSE_SPLIT = "reverse_split"
    CASH_DIVIDEND = "cash_dividend"


class CorporateActionStatus(StrEnum):
    """applied: a split is done, a dividend's holders are recorded; paid: they have their money."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLIED = "applied"
    PAID = "paid"
    CANCELED = "canceled"


class CostBasisMethod(StrEnum):
    """Which lots a sale closes."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"
    SPECIFIC = "specific"


class AlertKind(StrEnum):
    """What a price has to do for somebody to be told."""

    ABOVE = "above"
    BELOW = "below"
    CROSSING = "crossing"
    PERCENT_CHANGE = "percent_change"


class CommissionKind(StrEnum):
    ZERO = "zero"
    FLAT_RATE = "flat_rate"
    PER_SHARE = "per_share"
    TIERED = "tiered"
    CUSTOM = "custom"


def choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """Return (value, label) pairs for a model field."""
    return [(member.value, member.value.replace("_", " ")) for member in enum]
