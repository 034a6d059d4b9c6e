"""What happens to orders of groups, in words: rows of the table in test_explanation."""

from trades.tests.steps_told import bare, step, subject, told

SELL = subject("sell")
GROUP_STEPS = [
    (
        told(step("held", checks=[{}] * 5, reserved_after="0", replaces=None), parent_id="entry"),
        SELL,
        "Held",
        "",
        "5 checks passed. It is held until the order that it belongs to has filled.",
    ),
    (
        bare("held", parent_id="entry", replaces="another"),
        SELL,
        "Held",
        "",
        "It is held until the order that it belongs to has filled.",
    ),
    (
        told(step("released", leaves_quantity="4", stop="95", reserved_after="4")),
        SELL,
        "Begins to work for 4",
        "4 ABC reserved",
        "Its entry has filled 4, and it is for what that has filled.",
    ),
    (
        told(step("released", leaves_quantity="4", stop="98", reserved_after="4")),
        subject("sell", "trailing_stop"),
        "Begins to work for 4",
        "4 ABC reserved",
        ("Its entry has filled 4, and it is for what that has filled. Its stop starts at 98.00."),
    ),
    (
        told(step("resized", code="entry_filled", leaves_quantity="7")),
        SELL,
        "For 7 now",
        "",
        "Its entry has filled more.",
    ),
    (
        told(step("resized", code="newer", leaves_quantity="7")),
        SELL,
        "For 7 now",
        "",
        "There are no words for this reason yet: newer.",
    ),
    *(
        (
            told(step("canceled", code=code, reserved_before="10", reserved_after="0")),
            SELL,
            "Canceled",
            gist,
            f"{sentence} Nothing had filled. 10 ABC are free again.",
        )
        for code, gist, sentence in (
            ("entry_ended", "no entry", "The order whose fills it was for ended without one."),
            (
                "other_leg_filled",
                "the other leg filled",
                "The other leg has sold everything; nothing is left for this one.",
            ),
            (
                "other_leg_fired",
                "the stop fired",
                "The stop of its group has fired and sells what is left.",
            ),
            (
                "other_leg_ended",
                "the other leg ended",
                "The other leg was canceled, and one does not stay alone.",
            ),
            (
                "exit_began",
                "its legs trade",
                "A leg trades what it had filled, so no more of it is bought.",
            ),
            (
                "legs_ended",
                "its legs ended",
                "A leg of its group was canceled, and that ends the whole group.",
            ),
        )
    ),
]
"""(what is told, of which order, title, aside, text)"""
