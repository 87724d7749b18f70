"""Gathers the rooms' addresses in the API."""

from django.urls import URLPattern

from loyalty.benefits.api import urlpatterns as benefits
from loyalty.earning.api import urlpatterns as earning
from loyalty.ledger.api import urlpatterns as ledger

urlpatterns: list[URLPattern] = [*earning, *ledger, *benefits]
