"""For one's own machine, in any mode: a key that makes itself, no TLS, a demo to sign in to."""

import os
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from .base import *  # noqa: F403
from .base import SECRET_KEY, VAR_DIR


def _own_secret(file: Path) -> str:
    """Return this installation's key, made on first use; a passing one if none can be kept.

    Of several processes that make one at once all go on with that of the first.
    """
    draft = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
                new.write(get_random_secret_key())
            with suppress(FileExistsError):
                os.link(draft, file)
            draft.unlink()
    except OSError:
        return get_random_secret_key()
    return file.read_text()


DEBUG = False
SECRET_KEY = SECRET_KEY or _own_secret(VAR_DIR / "secret-key")
DEMO_EMAIL = "demo@bengi.example"
DEMO_PASSWORD = "paper-trading-demo"  # noqa: S105 - the published demo sign-in
# Static files are served straight from their folders by the run command, without collectstatic.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
