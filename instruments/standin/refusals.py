"""Why the stand-in refuses a request, in the words of the real service."""

PRICING = "https://twelvedata.com/pricing"


class Refused(Exception):
    """An error of the API: code is its own, which need not be the HTTP status it comes with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def body(self) -> dict[str, object]:
        """Return the JSON object that tells it."""
        return {"code": self.code, "message": self.message, "status": "error"}


def bad_key() -> Refused:
    """Return the refusal of a key that is missing or unknown."""
    return Refused(
        401,
        "**apikey** parameter is incorrect or not specified. You can get your free API key "
        f"instantly following this link: {PRICING}. If you believe that everything is correct, "
        "you can contact us at https://twelvedata.com/contact/customer",
    )


def not_found() -> Refused:
    """Return the refusal of a symbol that nobody lists, or of one that is missing."""
    return Refused(
        404,
        "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol "
        "according to API documentation: https://twelvedata.com/docs#reference-data",
    )


def symbol_above_plan() -> Refused:
    """Return the refusal of a market that the plan does not include."""
    return Refused(
        404,
        "This symbol is available starting with the Grow or Venture plan. "
        f"Consider upgrading now at {PRICING}",
    )


def path_above_plan(path: str, plans: str) -> Refused:
    """Return the refusal of an endpoint that only these plans include."""
    return Refused(
        403,
        f"{path} is available exclusively with {plans} plans. "
        f"Consider upgrading your API Key now at {PRICING}",
    )


def out_of_minute(used: int, limit: int) -> Refused:
    """Return the refusal of a request that would take the minute's credits to used."""
    return Refused(
        429,
        f"You have run out of API credits for the current minute. {used} API credits were used, "
        f"with the current limit being {limit}. Wait for the next minute or consider switching to "
        f"a higher tier plan at {PRICING}",
    )


def out_of_day(used: int, limit: int) -> Refused:
    """Return the refusal of a request that would take the day's credits to used."""
    return Refused(
        429,
        f"You have run out of API credits for the day. {used} API credits were used, "
        f"with the current limit being {limit}. Wait for the next day or consider switching to "
        f"a higher tier plan at {PRICING}",
    )


def too_many_symbols(count: int, limit: int) -> Refused:
    """Return the refusal of a batch that is longer than a request may be."""
    return Refused(414, f"Too many symbols: {count}. At most {limit} are allowed in one request.")


def bad_interval(interval: str, known: str) -> Refused:
    """Return the refusal of an interval that there is not."""
    return Refused(400, f"Invalid **interval** provided: {interval}. Supported intervals: {known}")


def bad_parameter(name: str, value: str) -> Refused:
    """Return the refusal of a parameter that cannot be read."""
    return Refused(400, f"Invalid **{name}** provided: {value}")


def missing_parameter(name: str) -> Refused:
    """Return the refusal of a request that lacks a parameter."""
    return Refused(400, f"**{name}** parameter is missing.")


def no_data() -> Refused:
    """Return the refusal of a stretch of time in which nothing is known."""
    return Refused(
        400,
        "No data is available on the specified dates. Try setting different start/end dates.",
    )


def no_such_path(path: str) -> Refused:
    """Return the refusal of an address that the stand-in does not serve."""
    return Refused(404, f"{path} is not served here.")
