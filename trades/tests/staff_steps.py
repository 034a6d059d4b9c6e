"""What staff do to orders, in words: rows of the table in test_explanation."""

from trades.tests.steps_told import step, subject, told

BUY, SELL = subject("buy"), subject("sell")

SPLIT = {
    "ratio": "7:1",
    "before": {"quantity": "100", "limit_price": "99.99", "stop_price": None, "reserved": "9999"},
}
BY_STAFF = {"market": None, "quantity": "60", "price": "99.9", "reason": "Fat finger"}
BY_STAFF |= {"commission": "1", "fees": "0.02"}
STAFF_STEPS = [
    (
        told(
            step("split", **SPLIT, after={"quantity": "700", "limit_price": "14.28"}),
            status="new",
        ),
        BUY,
        "Adjusted for a 7:1 split",
        "",
        "100, limit 99.99 became 700, limit 14.28, in new shares.",
    ),
    (
        told(step("split", **SPLIT, after={}), status="replaced"),
        BUY,
        "Goes on as another order",
        "7:1 split",
        "What it has filled was in old shares; another order wants the rest in new ones.",
    ),
    (
        told(step("split", **SPLIT, after={}), status="canceled", reason="No price is left."),
        BUY,
        "Canceled",
        "7:1 split",
        "No price is left. 9,999.00 USD are free again.",
    ),
    (
        told(step("split", **SPLIT, after={}), status="canceled"),
        SELL,
        "Canceled",
        "7:1 split",
        "A 7:1 split came first. 100 ABC are free again.",
    ),
    (
        told(step("busted", **BY_STAFF)),
        BUY,
        "Bought 60 at 99.90: busted",
        "taken back",
        (
            "Staff have taken this fill back: Fat finger. Its money and shares are where they were "
            "before it; what was busted is not worked again."
        ),
    ),
    (
        told(step("corrected", **BY_STAFF)),
        SELL,
        "Sold 60 at 99.90: booked anew",
        "corrected",
        (
            "It stands in the place of a fill that was taken back. Its commission is 1.00 USD, "
            "its fees 0.02 USD."
        ),
    ),
]
