"""The members' pages of this floor."""

from django.urls import path

from loyalty.benefits import views as benefits
from loyalty.gifts import views as gifts
from loyalty.ledger import views as ledger
from loyalty.pooling import views as pooling
from loyalty.promotions import views as promotions
from loyalty.reasons import views as reasons
from loyalty.tiers import views as tiers
from loyalty.treats import views as treats

urlpatterns = [
    path("points/", ledger.statement, name="statement"),
    path("points/why/sale/<int:sale>/", reasons.why_sale, name="why_sale"),
    path("points/none/", reasons.no_points, name="no_points"),
    path("points/why/event/<int:event>/", reasons.why_event, name="why_event"),
    path("offers/", promotions.offers, name="offers"),
    path("points/give/", gifts.give_points, name="give_points"),
    path("household/", pooling.my_household, name="my_household"),
    *(
        path(f"household/{step}/", pooling.change_household, {"step": step}, name=f"household_{step}")
        for step in pooling.STEPS
    ),
    path("tier/", benefits.my_tier, name="my_tier"),
    path("tier/<int:tier>/buy/", benefits.buy, name="buy_tier"),
    path("treats/", treats.my_treats, name="my_treats"),
    path("card/", tiers.card, name="card"),
]
