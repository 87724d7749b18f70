"""The members' pages of this floor."""

from django.urls import path

from members.addresses import views as addresses
from members.completeness import views as completeness
from members.messaging import views as messaging
from members.origins import views as origins
from members.people import views as people
from members.photos import views as photos
from members.preferences import views as preferences
from members.privacy import views as privacy
from members.profiles import views as profiles
from members.signin import views as signin

urlpatterns = [
    path("accounts/login/", signin.ask_for_code, name="account_login"),
    path("accounts/login/code/", signin.give_code, name="account_confirm_login_code"),
    path("accounts/join/", signin.newcomer, name="account_signup"),
    path("accounts/logout/", signin.sign_out, name="account_logout"),
    path("me/", profiles.me, name="me"),
    path("me/about/", people.about_me, name="about_me"),
    path("me/address/", addresses.my_address, name="my_address"),
    path("me/photo/", photos.change_photo, name="change_photo"),
    path("me/photo.jpg", photos.my_photo, name="my_photo"),
    path("me/still-right/", completeness.confirm_profile, name="confirm_profile"),
    path("me/friends/", origins.bring_friends, name="bring_friends"),
    path("me/theme/", profiles.choose_theme, name="choose_theme"),
    path("me/language/", profiles.choose_language, name="choose_language"),
    path("me/messages/", preferences.preferences, name="preferences"),
    path("me/privacy/", privacy.privacy, name="privacy"),
    path("me/privacy/choose/", privacy.choose_privacy, name="choose_privacy"),
    path("me/privacy/erase/", privacy.erase_me, name="erase_me"),
    path("me/privacy/all.json", privacy.take_along, {"form": "json"}, name="take_along_json"),
    path("me/privacy/all.html", privacy.take_along, {"form": "html"}, name="take_along_html"),
    path("join/<str:code>/", origins.join_by, name="join_by"),
    path("stop/<str:token>/", preferences.end_messages, name="unsubscribe"),
    path("yes/<str:link>/", preferences.confirm_address, name="confirm_address"),
    path("messages/", messaging.inbox, name="inbox"),
    path("messages/read/", messaging.read_all, name="read_all"),
    path("messages/<int:message>/read/", messaging.read_one, name="read_message"),
]
