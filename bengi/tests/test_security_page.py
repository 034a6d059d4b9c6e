"""docs/security.md says what the code does: its numbers, its limits, its headers; and the checks
of a deployment find nothing."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from accounts.identity import api_keys, lifetimes, tokens
from bengi.limits import throttle
from bengi.limits.table import SCOPES
from bengi.realtime import hub

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "docs" / "security.md").read_text()
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}


def rows(heading: str) -> dict[str, list[str]]:
    """Return the cells of the table under a heading, by the first one."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]
    return {row[0].strip("`"): row[1:] for row in cells[1:]}


def span(words: str) -> timedelta:
    number, unit = re.match(r"(\d+) (second|minute|hour|day)", words).groups()
    return timedelta(seconds=int(number) * UNITS[unit])


def test_lifetimes():
    said = {name: span(cells[0]) for name, cells in rows("Coming in").items()}
    assert said == {
        "Access token": lifetimes.ACCESS,
        "Refresh token": lifetimes.REFRESH,
        "Grace of a spent refresh token": lifetimes.GRACE,
        "Browser's session": timedelta(seconds=settings.SESSION_COOKIE_AGE),
        "From the password to the code of the second factor": lifetimes.PENDING,
        "Key of a mail: new password": timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        "Key of a mail: confirm the address": timedelta(
            days=settings.ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS
        ),
        "What a process may believe of a token, key or session before it looks again": timedelta(
            seconds=lifetimes.STATE_S
        ),
        "How often sockets look whether they are still let in": timedelta(seconds=hub.WATCH_S),
    }


def test_limits():
    said = {name: cells[0] for name, cells in rows("Limits").items()}
    assert said == {
        scope.name: ", ".join(f"{rate.limit} in {rate.window_s} s" for rate in scope.rates)
        for scope in SCOPES
    }


def test_words_and_numbers_of_the_text():
    length = settings.AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"]["min_length"]
    for words in (
        f"at least {length} characters",
        f"a JWT, {tokens.ALGORITHM} and nothing else",
        f"{api_keys.KEYS_MAX} a person",
        f"during the last {lifetimes.KNOWN.days} days",
        f"`{throttle.LIMIT}`",
        f"`{throttle.REMAINING}`",
        f"`{throttle.RESET}`",
        f"one step of tolerance{'' if settings.MFA_TOTP_TOLERANCE == 1 else '?'}",
        *(f"`{claim}`" for claim in tokens.CLAIMS),
    ):
        assert words in TEXT, words


def test_every_variable_of_the_page_is_read_by_the_settings():
    code = "".join(path.read_text() for path in (ROOT / "bengi" / "settings").glob("*.py"))
    named = set(re.findall(r"`((?:BENGI|EMAIL)_[A-Z_]+)`", TEXT))
    assert len(named) >= 7
    assert {name for name in named if f'"{name}"' not in code} == set()


def test_the_checks_of_a_deployment_find_nothing():
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bengi.settings.prod",
        "BENGI_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout
