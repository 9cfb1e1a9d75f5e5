"""Django settings. A deployment may change them by environment variables; .env.example lists the usual ones.

NAME_FILE instead of NAME names a file that holds the value, as containers are given their secrets.
"""

import json
import os
from pathlib import Path

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from hamster_site.embedded_redis import embedded_redis_url
from hamster_site.environment import FileAwareEnv
from hamster_site.logging import FORMATS, as_warning
from hamster_site.secret_key import HOW_TO_MAKE_ONE, stored_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = FileAwareEnv()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# What the site makes for itself: database, queue, media, training runs, secret key.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
if VAR_DIR == BASE_DIR / "var" and VAR_DIR.stat().st_uid == os.getuid():
    VAR_DIR.chmod(0o700)  # made by an earlier version, or unpacked with the code

DEBUG = env.bool("DEBUG", default=False)
HTTPS = env.bool("HTTPS", default=False)

# Where `manage.py up` listens.
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.port("PORT", default=8000)

# Database -------------------------------------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}"
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if "ENGINE" not in DATABASES["default"]:
    raise ImproperlyConfigured("DATABASE_URL is no address of a database: sqlite:///... or postgres://...")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_IS_LOCAL_FILE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if DATABASE_IS_LOCAL_FILE:
    # Deferred transactions fail at once with "database is locked" when two of them want to write:
    # SQLite does not wait when a reader upgrades. An immediate one takes its place in the queue.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
else:
    DATABASES["default"].update(CONN_MAX_AGE=0, CONN_HEALTH_CHECKS=True)

# Security -------------------------------------------------------------------------------------------------

# A database in a local file means one machine and its own key; processes that share a database must share
# a key too, so there it has to be given, as for every site that is on the internet.
SECRET_KEY = env.str("SECRET_KEY", default="")
if HTTPS and not SECRET_KEY:
    raise ImproperlyConfigured(f"Set SECRET_KEY: with HTTPS=true it has no default. {HOW_TO_MAKE_ONE}")
SECRET_KEY = SECRET_KEY or stored_secret_key(VAR_DIR / "secret_key", create=DEBUG or DATABASE_IS_LOCAL_FILE)
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.names("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "x-withdrawal-code"]
CORS_EXPOSE_HEADERS = ["Retry-After"]
CORS_URLS_REGEX = r"^/(api/|health)"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "hamster_site.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health", r"^metrics$"]  # asked without the proxy
    SECURE_HSTS_SECONDS = env.count("HSTS_SECONDS", default=3600)
    # Whether every name below this one is HTTPS too, only its owner knows. Until that is said, either way,
    # `check --deploy` asks for it.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=False)
    SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
    SILENCED_SYSTEM_CHECKS = [
        check
        for name, check in (("HSTS_INCLUDE_SUBDOMAINS", "security.W005"), ("HSTS_PRELOAD", "security.W021"))
        if name in env.ENVIRON
    ]
LOGIN_URL = "webui:sign-in"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "webui:camera"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Mail and accounts ----------------------------------------------------------------------------------------

# Without a mail server mails are printed where the site runs, which is all that one's own machine needs.
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    globals().update({name: value for name, value in env.email_url_config(EMAIL_URL).items() if value})
else:
    EMAIL_BACKEND = "hamster_site.mail.PrintedMail"
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="hamster@localhost")

# Sign-up, sign-in, passwords, mails and sessions are django-allauth's; hamster_site/accounts.py fits it in.
# none: no address is asked to confirm; optional: asked; mandatory: nobody is let in before.
ACCOUNT_EMAIL_VERIFICATION = env.one_of(
    "EMAIL_CONFIRMATION", ("none", "optional", "mandatory"), default="optional" if EMAIL_URL else "none"
)
ACCOUNT_SIGNUP_ENABLED = env.bool("SIGN_UP_OPEN", default=True)
ACCOUNT_SIGNUP_FIELDS = [
    *("username*", "email*" if ACCOUNT_EMAIL_VERIFICATION == "mandatory" else "email"),
    *("password1*", "password2*"),
]
ACCOUNT_RATE_LIMITS = {
    # Every account has rates and room of its own, so one address may not make many. Forms in which something
    # is wrong count for allauth's own "signup" only: 20 a minute.
    "new_account": env.rate("SIGN_UP_RATE", default="10/h/ip"),
    # Wrong passwords from an address, and for one name from an address (hamster_site/accounts.py).
    "login_failed": "10/m/ip,5/5m/key",
    # For one name from everywhere: more than one address can use up, which would lock the owner out.
    "login_failed_anywhere": "100/h/key",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_ADAPTER = "hamster_site.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "hamster_site.accounts.SignInForm",
    "signup": "hamster_site.accounts.SignUpForm",
}
ACCOUNT_CHANGE_EMAIL = True  # one address, which stays in force until the new one is confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Strict: an address that is taken gets the same answer as any other, also where none is confirmed.
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = {"password"}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
USERSESSIONS_TRACK_ACTIVITY = True

# Redis: queue, channel layer and cache --------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
REDIS_IS_EMBEDDED = not REDIS_URL
if REDIS_IS_EMBEDDED:
    REDIS_URL = embedded_redis_url(VAR_DIR)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "hamster-layer"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "hamster-json",
        # Not long: cameras that connect ask it for their rates, and are let in without an answer.
        "OPTIONS": {"serializer": "hamster_site.cache_values.JsonSerializer", "socket_timeout": 2},
    }
}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A message that is not acknowledged for this long is given to another worker. A job longer than that is
# safe all the same: its row is already claimed, and the second delivery does nothing.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "batch"
CELERY_TASK_ROUTES = {
    "detector.tasks.train*": {"queue": "training"},
    "detector.tasks.deliver_webhook": {"queue": "webhooks"},
}

# The site -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "hamster_site",
    "detector",
    "webui",  # before allauth, whose templates it overrides
    "allauth",
    "allauth.account",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hamster_site.security.BrowserPolicyMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "detector.api.errors.api_error_shape",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "webui.languages.LanguageMiddleware",
    "hamster_site.hosts.PublicHosts",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hamster_site.accounts.AccountsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "webui.errors.ErrorPages",
]
CSRF_FAILURE_VIEW = "webui.errors.forged"
ROOT_URLCONF = "hamster_site.urls"
ASGI_APPLICATION = "hamster_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hamster_site.accounts.sign_up_open",
            ],
        },
    }
]
LANGUAGE_CODE = "en"
# In their own words. Each but the first has a folder in `locale`.
LANGUAGES = [("en", "English"), ("es", "Español"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = HTTPS
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Until the static files are collected, they are served from where they lie.
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").is_file()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "hamster_site.static_files.HashedFiles"},
}
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(VAR_DIR / "media"))

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "detector.api.authentication.BearerToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "detector.api.parsers.ShortJSONParser",
        "rest_framework.parsers.FormParser",
        "detector.api.parsers.PlainMultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["detector.api.throttles.AddressRate", "detector.api.throttles.AccountRate"],
    "DEFAULT_SCHEMA_CLASS": "detector.api.schema.CompleteSchema",
    "EXCEPTION_HANDLER": "detector.api.errors.exception_handler",
    # Proxies in front of us: without any, X-Forwarded-For is the client's own invention and must not
    # decide whose requests are counted.
    "NUM_PROXIES": env.count("NUM_PROXIES", default=0),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hamster Expression",
    "DESCRIPTION": "Finds faces in pictures and names their expressions.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "JobStateEnum": "detector.models.JobState",
        "ApiTokenStateEnum": "detector.models.ApiToken.State",
        "WebhookStateEnum": "detector.models.Webhook.State",
        "DetectorStateEnum": "detector.models.DetectorVersion.State",
        "CorrectionStateEnum": "detector.models.Correction.State",
        # Not EmotionEnum: fields called `emotion` have one of that name, with "unknown" in it.
        "ExpressionEnum": "ml.config.EMOTIONS",
        "RightLabelEnum": "detector.models.RIGHT_LABELS",
        "FinalLabelEnum": "detector.models.corrections.LABEL_CHOICES",
    },
}


def _number_or_text(text: str) -> bool | int | float | str:
    """A setting's text as the number or boolean it reads as, otherwise unchanged."""
    try:
        value = json.loads(text.lower())
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


# HAMSTER_LIVE_MAX_FPS=20 becomes HAMSTER["live_max_fps"] = 20. Defaults are in detector/conf.py; an unknown
# name or a value out of range is reported by a system check.
HAMSTER = {
    name.removeprefix("HAMSTER_").lower(): _number_or_text(env.str(name))
    for name in env.ENVIRON
    if name.startswith("HAMSTER_") and not name.endswith("_FILE")
}

# Pictures are never stored, not in a temporary file either: bodies are held in memory, up to the limit above
# which they are cut off. Only the pictures of a batch are (detector.api.batch_uploads).
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE = HAMSTER.get("http_max_body_bytes", 16 * 2**20)
DATA_UPLOAD_MAX_NUMBER_FILES = HAMSTER.get("batch_max_items", 2000)

# What Prometheus sends to read /metrics; without it there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# Where errors are sent to, besides the log; empty: nowhere, and Sentry's package is not even loaded.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")

# Logging --------------------------------------------------------------------------------------------------

LOG_FORMAT = env.one_of("LOG_FORMAT", FORMATS, default="line")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"chosen": {"()": FORMATS[LOG_FORMAT]}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen"}},
    "root": {"handlers": ["stderr"], "level": env.one_of("LOG_LEVEL", LOG_LEVELS, default="INFO")},
    "loggers": {
        # Each request is already one line of hamster_site.connections.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"filters": [as_warning]},
        "django.server": {"handlers": [], "propagate": True},
        "daphne": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # A damaged picture is refused with a reason; Pillow also logs an error for some.
        "PIL": {"level": "CRITICAL"},
    },
}
