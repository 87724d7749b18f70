"""Gathers the rooms' doors for tills under /api/v1/, and describes the tills' key to the schema."""

from typing import Any

from django.urls import URLPattern, URLResolver
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from members.preferences import api as preferences
from members.profiles import api as profiles
from members.scores import api as scores
from members.segments import api as segments

urlpatterns: list[URLPattern | URLResolver] = [
    *profiles.urlpatterns,
    *preferences.urlpatterns,
    *scores.urlpatterns,
    *segments.urlpatterns,
]


class TillKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema says what `TillAuthentication` asks for."""

    target_class = "members.stores.api.TillAuthentication"
    name = "till"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "The key of a till."}
