"""All settings, in one file, from the environment only.

Times are aware and stored in UTC; the shop's day and night are those of TIME_ZONE.
"""

import os
import secrets
from pathlib import Path

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config.theme import UNFOLD as UNFOLD

django_stubs_ext.monkeypatch()  # ModelForm[Member] and the like, at run time too


def switch(name: str, default: str = "0") -> bool:
    """Whether the environment says yes: 1, true or yes."""
    return os.environ.get(name, default).lower() in {"1", "true", "yes"}


BASE_DIR = Path(__file__).resolve().parent.parent
RUN_DIR = Path(os.environ.get("REGULARS_RUN_DIR", BASE_DIR / ".run"))
DEMO = switch("REGULARS_DEMO")
DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("TRUSTED_ORIGINS", "").split(",") if origin]

INSTALLED_APPS = [
    "config",
    "loyalty",
    "members",
    "unfold.apps.BasicAppConfig",  # without a site of its own
    "unfold.contrib.filters",
    "config.apps.StaffConfig",  # the admin, with the site in config/admin.py
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "pgtrigger",
    "phonenumber_field",
    "rest_framework",
    "template_partials",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "config.hands.know_the_hand",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    }
]

# The database and the broker

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL", "postgresql:///regulars"),
        conn_max_age=None,  # a kept connection is eight times as fast as one a request
        conn_health_checks=True,
    )
}
if switch("REGULARS_PREPARED", "1"):  # a third less time a sale; off for a PgBouncer older than 1.21
    DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=5)
REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True  # what came of a task stands in the database
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_PUBLISH_RETRY = False  # a till does not wait for the broker: sweeps send out what is owed
CELERY_BROKER_TRANSPORT_OPTIONS = {  # without a broker a request is not kept waiting
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"

# Words, times and money

LANGUAGE_CODE = os.environ.get("REGULARS_LANGUAGE", "zh-hans")
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("REGULARS_TIME_ZONE", "Asia/Shanghai")
NIGHT_HOUR = int(os.environ.get("REGULARS_NIGHT_HOUR", "3"))  # of the shop's day: its night begins then
SHOP_NAME = os.environ.get("REGULARS_SHOP_NAME", "Regulars 熟客")
SHOP_CURRENCY = os.environ.get("REGULARS_CURRENCY", "CNY")
SHOP_COUNTRY = os.environ.get("REGULARS_COUNTRY", "CN")  # where a phone without a country code is
PHONENUMBER_DEFAULT_REGION = SHOP_COUNTRY
CHILD_AGE = int(os.environ.get("REGULARS_CHILD_AGE", "14"))  # below it a guardian consents (China: PIPL, art. 31)
SITE_URL = os.environ.get("REGULARS_URL", "http://127.0.0.1:8000").rstrip("/")  # links in mails begin so
ERASURE_KEY = os.environ.get("REGULARS_ERASURE_KEY") or SECRET_KEY  # by it erased people are known to imports

# Who signs in, and how

AUTH_USER_MODEL = "members.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AXES_VERBOSE = False
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 1  # hour
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False  # `manage.py axes_reset` lets somebody in again
AXES_LOCKOUT_CALLABLE = "config.admin.locked_out"
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "config.portal.stale_form"
ACCOUNT_EMAIL_VERIFICATION = "none"  # the code has proved the address
ACCOUNT_RATE_LIMITS = {  # how often somebody asks for a code (key: the address) and tries one
    "request_login_code": "10/m/ip,100/h/ip,5/h/key,15/d/key",
    "login_code_tries": "30/10m/ip",
}
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("REGULARS_PROXIES", "0"))  # whose X-Forwarded-For is believed
SIGN_IN_CODES_AN_HOUR = int(os.environ.get("REGULARS_SIGN_IN_CODES_AN_HOUR", "2000"))  # to everybody together

# Mail

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = switch("EMAIL_TLS")
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "regulars@localhost")

# The API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["members.stores.api.TillAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["members.stores.api.IsTill"],
    "DEFAULT_PAGINATION_CLASS": "config.api.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PARSER_CLASSES": ["config.api.StrictJson"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["members.stores.api.TillThrottle"],
    "DEFAULT_THROTTLE_RATES": {},
    "EXCEPTION_HANDLER": "config.api.answer_error",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": None,
}
WEBHOOKS_LOOPBACK = switch("REGULARS_WEBHOOKS_LOOPBACK", "1" if DEMO else "0")  # endpoints on this very machine
TILL_REQUESTS_A_MINUTE = int(os.environ.get("REGULARS_TILL_RATE", "6000"))
TILL_FILTERS_A_MINUTE = int(os.environ.get("REGULARS_TILL_FILTER_RATE", "120"))  # lists of members by traits

SPECTACULAR_SETTINGS = {
    "ENUM_NAME_OVERRIDES": {
        "BucketEnum": "loyalty.ledger.models.Bucket",
        "ConsentChannelEnum": "members.consents.models.Channel",
        "SaleChannelEnum": "members.purchases.models.Channel",
        "WhoKindEnum": ["number", "phone", "email", "card", "wechat"],
    },
    "TITLE": "Regulars",
    "DESCRIPTION": "What tills, web shops and mini-programs call.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000  # bytes; a thousand sales of twenty lines fit
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# Pages

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("REGULARS_STATIC_DIR", RUN_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(os.environ.get("REGULARS_MEDIA_DIR", RUN_DIR / "media"))

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
HTTPS_ONLY = switch("REGULARS_HTTPS")
SECURE_SSL_REDIRECT = HTTPS_ONLY
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = switch("REGULARS_HSTS_WHOLE_DOMAIN")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None

SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # whether the whole domain goes HTTPS is the shop's to say

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}
