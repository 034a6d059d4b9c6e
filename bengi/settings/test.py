"""Settings of the test suite: a database of its own, fast password hashing, no demo."""

import os
import tempfile
from pathlib import Path

from .base import *  # noqa: F403
from .base import DATABASES, INSTALLED_APPS, SQLITE_OPTIONS  # noqa: F401
from .modes import EMBEDDED, shared_through

SECRET_KEY = "test-key"  # noqa: S105 - signs nothing outside a test run
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
RATE_LIMITS = False  # tests of limits turn them on
MAIL_IN_BACKGROUND = False
BENGI_MODE, REDIS_URL, BENGI_KAFKA, BENGI_STREAM_URL = EMBEDDED, "", "", ""
MAIL_BY_TASK = False
vars().update(shared_through(REDIS_URL))  # tests with a Redis of theirs set it
MONGODB_URI = ""  # tests with a server of theirs set it
MARKET_HOURS = "always"
READY_TTL_S = 0
MARKET_TTL_S = 0  # tests of movers turn it on
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
if "pool" in DATABASES["default"]["OPTIONS"]:
    DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 30  # labs have more threads than that
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, not shared memory: threads of one test then meet the same locks as in the product.
    _name = Path(tempfile.gettempdir()) / f"bengi-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(_name)}
    # Nobody pulls the plug of a test: what is killed runs with the settings of dev, which sync.
    _begin = str(SQLITE_OPTIONS["init_command"]).replace("synchronous=FULL", "synchronous=OFF")
    DATABASES["default"]["OPTIONS"] = {**SQLITE_OPTIONS, "init_command": _begin}
