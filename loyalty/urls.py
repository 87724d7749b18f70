"""The members' pages of this floor."""

from django.urls import path

from loyalty.ledger import views as ledger
from loyalty.tiers import views as tiers

urlpatterns = [
    path("points/", ledger.statement, name="statement"),
    path("card/", tiers.card, name="card"),
]
