"""Addresses of the whole house."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from config import portal
from config.api import answer_nothing_here

urlpatterns: list[URLPattern | URLResolver] = [
    path("", portal.home, name="home"),
    path("", include("members.urls")),
    path("", include("loyalty.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("members.api")),
    path("api/v1/", include("loyalty.api")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/<path:path>", answer_nothing_here),
]
if settings.DEMO:
    urlpatterns.append(path("demo/mail/", portal.demo_mail, name="demo_mail"))

handler400 = "config.portal.malformed"
handler403 = "config.portal.forbidden"
handler404 = "config.portal.nothing_here"
handler429 = "config.portal.too_many"  # allauth's limits ask for it
handler500 = "config.portal.broken"
