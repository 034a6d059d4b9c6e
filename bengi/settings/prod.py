"""The standard mode behind TLS: everything secret or local comes from the environment."""

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import CACHES, CHANNEL_LAYERS, SECRET_KEY, env

if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("BENGI_SECRET_KEY must be set to a random string of 50 characters")

SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_SECURE = True
REFRESH_COOKIE_NAME = "__Secure-bengi_refresh"
# Without a server to send through, no mail leaves: links that let people in belong in no log.
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
if env("EMAIL_URL", default=""):
    vars().update(env.email("EMAIL_URL"))
EMAIL_MUST_BE_CONFIRMED = env.bool(
    "BENGI_CONFIRM_EMAIL", default=bool(env("EMAIL_URL", default=""))
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
if env("REDIS_URL", default=""):
    RATE_LIMITS_REDIS_URL = TWELVE_DATA_REDIS_URL = CELERY_BROKER_URL = env("REDIS_URL")
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    CACHES["default"] = {
        "BACKEND": "bengi.redis_cache.RedisCache",
        "LOCATION": env("REDIS_URL"),
    }
    CACHES["quotes"] = {
        **CACHES["default"],
        "KEY_PREFIX": "bengi",
        "OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.5},
    }
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [env("REDIS_URL")]},
    }
