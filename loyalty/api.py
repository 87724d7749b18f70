"""Gathers the rooms' addresses in the API."""

from django.urls import URLPattern

from loyalty.batches.api import urlpatterns as batches
from loyalty.benefits.api import urlpatterns as benefits
from loyalty.checkout.api import urlpatterns as checkout
from loyalty.deeds.api import urlpatterns as deeds
from loyalty.gifts.api import urlpatterns as gifts
from loyalty.holds.api import urlpatterns as holds
from loyalty.ledger.api import urlpatterns as ledger
from loyalty.pooling.api import urlpatterns as pooling
from loyalty.reasons.api import urlpatterns as reasons
from loyalty.returns.api import urlpatterns as returns
from loyalty.treats.api import urlpatterns as treats

urlpatterns: list[URLPattern] = [
    *returns, *batches, *deeds, *checkout, *benefits, *treats, *gifts, *pooling, *holds, *ledger, *reasons,
]  # fmt: skip
