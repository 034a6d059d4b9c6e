"""Settings shared by every mode. The environment is read here and nowhere else."""

import sys
from pathlib import Path
from typing import Any

import environ

from bengi.process import answers_requests, is_maintenance, process_name

from .modes import EMBEDDED, STANDARD, check, origin_of, shared_through

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = Path(env("BENGI_VAR", default=str(BASE_DIR / "var")))

DEBUG = False
SECRET_KEY = env("BENGI_SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("BENGI_ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("BENGI_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "bengi.apps.BengiConfig",
    "bengi.events",
    "bengi.audit",
    "bengi.leases",
    "accounts",
    "accounts.identity",
    "instruments",
    "portfolios",
    "watchlists",
    "orders",
    "trades",
    "trades.notices",
]

MIDDLEWARE = [
    "bengi.health.HealthMiddleware",
    "bengi.problem.RequestIdMiddleware",
    # What follows may refuse by itself, and a refusal carries the headers as every answer does.
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "bengi.audit.origin.OriginMiddleware",
    "bengi.limits.throttle.RateLimitMiddleware",
    "bengi.problem.ApiProblemMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.identity.middleware.SeenMiddleware",
    "accounts.reader.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bengi.page_refusals.NotAllowedMiddleware",
]

ROOT_URLCONF = "bengi.urls"
WSGI_APPLICATION = "bengi.wsgi.application"
ASGI_APPLICATION = "bengi.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bengi.context.stream",
                "accounts.context.appearance",
                "portfolios.context.bar",
                "trades.context.alerts",
            ],
        },
    }
]

# -- database: SQLite unless DATABASE_URL names a PostgreSQL ----------------------------------
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
# PostgreSQL ends what takes too long, so that nobody waits behind a session that hangs. A command
# that somebody has typed may take its time. Plans are made once a session (docs/adr/0032).
POSTGRES_LIMITS = {
    "plan_cache_mode": "force_generic_plan",
}
if env("DATABASE_URL", default=""):
    from bengi.postgres import IDLE_S, STATEMENT_S, BoundedConnection

    POSTGRES_LIMITS["idle_in_transaction_session_timeout"] = f"{IDLE_S}s"
    _pool: dict[str, Any] = {}
    if not is_maintenance(sys.argv):
        POSTGRES_LIMITS |= {"statement_timeout": f"{STATEMENT_S}s", "lock_timeout": "5s"}
        _pool = {"connection_class": BoundedConnection}
    _named = env.db("DATABASE_URL")
    DATABASES = {
        "default": {
            **_named,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                # A request that gets no connection is answered 503 within a second, be it that the
                # server is away or that all connections are in use.
                "pool": {
                    "min_size": 1,
                    "max_size": env.int("BENGI_DATABASE_POOL", default=20),
                    "timeout": 0.8 if answers_requests(sys.argv) else 5,
                    "reconnect_timeout": 2,
                    **_pool,
                },
                "application_name": process_name(sys.argv),
                "connect_timeout": 2,
                "tcp_user_timeout": 5_000,
                "options": " ".join(f"-c {key}={value}" for key, value in POSTGRES_LIMITS.items()),
                "prepare_threshold": 5,  # for bengi/arrays.py; the ORM's statements never are
                **_named.get("OPTIONS", {}),
            },
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "bengi.sqlite",
            "NAME": env("BENGI_DATABASE", default=str(VAR_DIR / "bengi.sqlite3")),
            "OPTIONS": SQLITE_OPTIONS,
        }
    }

# -- the mode: how many processes, and what joins them (docs/adr/0030) ---------------------------
BENGI_MODE = env("BENGI_MODE", default=EMBEDDED)
"""embedded: one process does it all; standard: several, joined by Redis; scale: by Kafka too."""
REDIS_URL = env("REDIS_URL", default="")
"""What joins processes: bus, caches, sessions, limits and tasks. Without it there is one."""
BENGI_KAFKA = env("BENGI_KAFKA", default="")
"""Kafka's servers, host:port and a comma between two, for the mode scale."""
BENGI_KAFKA_PREFIX = env("BENGI_KAFKA_PREFIX", default="bengi")
"""What names of topics and groups begin with: installations that share brokers have their own."""
MATCHING_SHARDS = env.int("BENGI_SHARDS", default=1)
"""How many books of instruments there are, each with one engine at a time."""
BENGI_STREAM_URL = env("BENGI_STREAM_URL", default="")
"""Where pages open the socket, if that is another port than theirs: ws://127.0.0.1:8001/ws. The
host has to be the same, because the session's cookie goes to no other."""
MAIL_BY_TASK = BENGI_MODE != EMBEDDED
"""Whether mails are sent by Celery's workers, and again where a mail server is away."""
MATCHING_BY_TASK = BENGI_MODE == STANDARD
"""Whether Celery's workers host the engines, so that beat has to look after their shards."""
check(
    BENGI_MODE,
    database_engine=DATABASES["default"]["ENGINE"],
    redis_url=REDIS_URL,
    kafka=BENGI_KAFKA,
)
SESSION_ENGINE: str
CACHES: dict[str, dict[str, Any]]
"""default: what processes share; quotes: the newest quotes, for processes without a feed."""
RATE_LIMITS_REDIS_URL: str
TWELVE_DATA_REDIS_URL: str
"""Where all processes count the credits together; without it one process counts in a file."""
CELERY_BROKER_URL: str
vars().update(shared_through(REDIS_URL))

MONGODB_URI = env("MONGODB_URI", default="")
"""Where old bars move to and events are copied to; without it nothing of that is loaded."""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- identity ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "signin"
LOGIN_REDIRECT_URL = "trade"
LOGOUT_REDIRECT_URL = "home"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 3600
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
MFA_ADAPTER = "accounts.identity.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Bengi"
MFA_TOTP_TOLERANCE = 1
EMAIL_MUST_BE_CONFIRMED = env.bool("BENGI_CONFIRM_EMAIL", default=False)
"""Whether who signs up comes in only after answering a mail, so that nobody is told who is here."""
REFRESH_COOKIE_NAME = "bengi_refresh"
SITE_URL = env("BENGI_SITE_URL", default="")
"""Where links in mails lead; without it, to the host that the request was sent to."""
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
DEMO_EMAIL = ""
DEMO_PASSWORD = ""

# -- mail --------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env("BENGI_MAIL_FROM", default="Bengi <bengi@localhost>")
EMAIL_TIMEOUT = 10
MAIL_IN_BACKGROUND = True

# -- language, time ---------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "bengi.formats"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# -- static files, content security ------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env("BENGI_STATIC", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/lightweight-charts", BASE_DIR / "node_modules" / "lightweight-charts" / "dist"),
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *([origin_of(BENGI_STREAM_URL)] if BENGI_STREAM_URL else [])],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
}
X_FRAME_OPTIONS = "DENY"

# -- API --------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "bengi.authentication.BearerAuthentication",
        "bengi.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "bengi.authentication.ScopePermission",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["bengi.limits.throttle.Throttle"],
    "DEFAULT_PARSER_CLASSES": ["bengi.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "bengi.negotiation.AlwaysJson",
    "DEFAULT_METADATA_CLASS": "bengi.negotiation.Methods",
    "EXCEPTION_HANDLER": "bengi.problem.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "bengi.schema.openapi.DeclaredSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Bengi",
    "VERSION": "1",
    "DESCRIPTION": "A brokerage simulator. Errors are problems (RFC 9457) with a stable code.",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/"}],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["bengi.schema.components.only_ours"],
    "POSTPROCESSING_HOOKS": ["bengi.schema.components.with_shared"],
    "DISABLE_ERRORS_AND_WARNINGS": False,
}

# -- limits -----------------------------------------------------------------------------------
RATE_LIMITS = env.bool("BENGI_RATE_LIMITS", default=True)
"""Whether bengi/limits/table.py holds. Off for load tests only."""
TRUSTED_PROXIES = env.list("BENGI_TRUSTED_PROXIES", default=[])
"""Networks of the proxies in front, whose X-Forwarded-For is believed."""

# -- streams ----------------------------------------------------------------------------------
STREAM_ORIGINS = env.list("BENGI_STREAM_ORIGINS", default=[])
"""Origins, such as https://charts.example, whose pages may open the socket beside this site's."""

# -- the market and the engine ------------------------------------------------------------------
MARKET_HOURS = env("BENGI_MARKET_HOURS", default="always")
"""always: the simulated market runs round the clock; exchange: each exchange's own hours."""
READY_TTL_S = 1
"""For how long an answer of /readyz holds."""
FAST_LANE = env.bool("BENGI_FAST_LANE", default=None)
"""Whether orders that come at the same time share a transaction; by default where it pays, on
PostgreSQL."""
WEB_THREADS = env.int("BENGI_WEB_THREADS", default=8)
"""How many requests a web process answers at a time, beside the orders that share transactions."""
MARKET_TTL_S = 1
"""How long a process answers for the market as a whole (movers) from the same quotes."""
GUARD_S_MIN = 0
"""No account's guard against old quotes is shorter, in seconds: for a replay that runs faster than
the clock, because what takes us a second ages its quotes by as many seconds as it is faster."""

# -- Twelve Data, the market's source of `run --feed twelvedata` ---------------------------------
TWELVE_DATA_API_KEY = env("TWELVE_DATA_API_KEY", default="")
TWELVE_DATA_BASE_URL = env("TWELVE_DATA_BASE_URL", default="https://api.twelvedata.com")
TWELVE_DATA_STREAM_URL = env("TWELVE_DATA_STREAM_URL", default="")
"""Where prices are streamed, for plans with a stream: wss://ws.twelvedata.com/v1/quotes/price."""
TWELVE_DATA_STREAM_SYMBOLS = env.int("TWELVE_DATA_STREAM_SYMBOLS", default=8)
TWELVE_DATA_CREDITS_MINUTE = env.int("TWELVE_DATA_CREDITS_MINUTE", default=8)
TWELVE_DATA_CREDITS_DAY = env.int("TWELVE_DATA_CREDITS_DAY", default=800)
"""The free plan's. What their headers tell counts where it is less."""

# -- background work of the other modes: celery -A bengi.celery worker, celery -A bengi.celery beat
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A worker outlives its broker: it waits for as long as it takes, and an engine in it works on.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_keepalive": True}
CELERY_BEAT_SCHEDULER = "bengi.beat:PatientScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
    },
}
