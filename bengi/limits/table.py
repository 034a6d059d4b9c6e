"""Every limit of the product. docs/security.md shows the same numbers; a test compares them."""

from bengi.limits.rates import Rate, Scope

MINUTE_S = 60
HOUR_S = 3600

SIGN_IN_ADDRESS = Scope("sign_in.address", (Rate(30, 5 * MINUTE_S),))
"""Attempts that failed from one address, whoever they were for."""
SIGN_IN_ACCOUNT = Scope("sign_in.account", (Rate(5, 5 * MINUTE_S),))
"""Attempts that failed for one e-mail address from one address: its owner is free elsewhere."""
SIGN_IN_EVERYWHERE = Scope("sign_in.everywhere", (Rate(100, HOUR_S),))
"""Attempts that failed for one e-mail address from everywhere; not from where it is known."""
SECOND_FACTOR = Scope("second_factor", (Rate(5, 5 * MINUTE_S),))
"""Wrong codes for one person from one address."""
SECOND_FACTOR_EVERYWHERE = Scope("second_factor.everywhere", (Rate(30, HOUR_S),))
"""Wrong codes for one person from everywhere; not from where they are known."""
PASSWORD = Scope("password", (Rate(5, 5 * MINUTE_S),))
"""Wrong passwords of somebody signed in who is asked for it again."""
REGISTER = Scope("register", (Rate(60, HOUR_S),))
"""New accounts asked for from one address."""
MAIL_ADDRESS = Scope("mail.address", (Rate(30, HOUR_S),))
"""Mails asked for from one address."""
MAIL_ACCOUNT = Scope("mail.account", (Rate(3, HOUR_S),))
"""Mails to one e-mail address; what is over is not sent, and nobody is told."""
MAIL_ALERTS = Scope("mail.alerts", (Rate(20, HOUR_S),))
"""Mails that tell one person of alerts; what is over is not sent, the alerts stand on the page."""
ORDERS = Scope("orders", (Rate(10, 1), Rate(200, MINUTE_S)))
"""Orders placed, replaced and canceled, by one person or one key."""
ORDERS_AT_ONCE = Scope("orders.batch", (Rate(1_000, MINUTE_S),))
"""Orders that come in batches, by one person or one key; each batch is one of its orders besides.

They are cheap: a batch is one transaction. So they count by themselves.
"""
REQUESTS = Scope("requests", (Rate(600, MINUTE_S),))
"""Everything else asked of the API, by one person, one key, or one address without either."""

SCOPES = (
    SIGN_IN_ADDRESS,
    SIGN_IN_ACCOUNT,
    SIGN_IN_EVERYWHERE,
    SECOND_FACTOR,
    SECOND_FACTOR_EVERYWHERE,
    PASSWORD,
    REGISTER,
    MAIL_ADDRESS,
    MAIL_ACCOUNT,
    MAIL_ALERTS,
    ORDERS,
    ORDERS_AT_ONCE,
    REQUESTS,
)
