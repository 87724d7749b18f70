"""Gathers the rooms' addresses in the API."""

from django.urls import URLPattern

from loyalty.batches.api import urlpatterns as batches
from loyalty.earning.api import urlpatterns as earning
from loyalty.ledger.api import urlpatterns as ledger
from loyalty.reasons.api import urlpatterns as reasons

urlpatterns: list[URLPattern] = [*batches, *earning, *ledger, *reasons]
