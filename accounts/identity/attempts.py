"""How often somebody may try to come in, and for whom it counts.

An attempt counts for the address it comes from, and for the e-mail address together with that
address, so that whoever is locked out locks out nobody else. Over all addresses an e-mail address
has one more limit, against guessing from many at once; where its owner has signed in before, that
one does not hold. Attempts that succeed are given back.
"""

from collections.abc import Callable
from datetime import datetime

from accounts.identity.lifetimes import KNOWN
from accounts.identity.sign_ins import is_known
from accounts.models import User
from bengi.limits.limiter import give_back, refusal, require, take
from bengi.limits.rates import Scope, Verdict
from bengi.limits.table import (
    SECOND_FACTOR,
    SECOND_FACTOR_EVERYWHERE,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ADDRESS,
    SIGN_IN_EVERYWHERE,
)


class Attempt:
    """One try that is counted until it turns out to be good."""

    def __init__(self, verdicts: list[Verdict]) -> None:
        self._verdicts = verdicts

    def succeeded(self) -> None:
        """Let it not have counted."""
        give_back(*self._verdicts)


def attempt_password(email: str, address: str, now: datetime) -> Attempt:
    """Count a try with a password. Raises RateLimited, whether the e-mail address exists or not."""
    name = email.strip().casefold()
    return Attempt(
        [
            require(SIGN_IN_ADDRESS, address),
            require(SIGN_IN_ACCOUNT, f"{name} {address}"),
            _everywhere(SIGN_IN_EVERYWHERE, name, lambda: is_known(name, address, now, KNOWN)),
        ]
    )


def attempt_code(user: User, address: str, now: datetime) -> Attempt:
    """Count a try with a code of the second factor. Raises RateLimited."""
    key = str(user.pk)
    return Attempt(
        [
            require(SECOND_FACTOR, f"{key} {address}"),
            _everywhere(
                SECOND_FACTOR_EVERYWHERE, key, lambda: is_known(user.email, address, now, KNOWN)
            ),
        ]
    )


def _everywhere(scope: Scope, key: str, is_known_here: Callable[[], bool]) -> Verdict:
    verdict = take(scope, key)
    if not verdict.allowed and not is_known_here():
        raise refusal(verdict)
    return verdict
