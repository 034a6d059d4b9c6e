"""What a mode needs, and what all processes share where there is a Redis. Pure: reads nothing.

The modes (docs/adr/0030) differ in these settings alone; the domain asks for none of them.
"""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

EMBEDDED, STANDARD, SCALE = "embedded", "standard", "scale"
MODES = (EMBEDDED, STANDARD, SCALE)
_CACHE_TIMEOUTS = {"socket_connect_timeout": 0.2, "socket_timeout": 0.5}
"""Seconds. A cache that does not answer within them is away."""


def check(mode: str, *, database_engine: str, redis_url: str, kafka: str) -> None:
    """Raise ImproperlyConfigured where something is missing that the mode cannot do without."""
    if mode not in MODES:
        raise ImproperlyConfigured(f"BENGI_MODE must be one of {', '.join(MODES)}, not {mode!r}")
    needs = {
        "DATABASE_URL must name a PostgreSQL": "postgresql" not in database_engine,
        "REDIS_URL must name a Redis": not redis_url,
        "BENGI_KAFKA must name a Kafka": mode == SCALE and not kafka,
    }
    missing = [words for words, is_missing in needs.items() if is_missing]
    if mode != EMBEDDED and missing:
        raise ImproperlyConfigured(f"BENGI_MODE={mode} joins processes: {'; '.join(missing)}")


def shared_through(redis_url: str) -> dict[str, Any]:
    """Return the settings of what processes share: through Redis, or "" where there is only one."""
    if not redis_url:
        return {
            "RATE_LIMITS_REDIS_URL": "",
            "TWELVE_DATA_REDIS_URL": "",
            "CELERY_BROKER_URL": "",
            "SESSION_ENGINE": "django.contrib.sessions.backends.db",
            "CACHES": {
                "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
                "quotes": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
            },
        }
    cache = {
        "BACKEND": "bengi.redis_cache.RedisCache",
        "LOCATION": redis_url,
        "OPTIONS": _CACHE_TIMEOUTS,
    }
    return {
        "RATE_LIMITS_REDIS_URL": redis_url,
        "TWELVE_DATA_REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "SESSION_ENGINE": "accounts.identity.session_store",
        "CACHES": {"default": cache, "quotes": {**cache, "KEY_PREFIX": "bengi"}},
    }


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, as a content security policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
