"""The way in: an address, a code, and for newcomers a name and a store.

allauth limits how often somebody asks and tries, signs in and out, and keeps its stages (a second factor) in between.
The code itself is ours (see actions): allauth keeps it readable in the session, counts wrong tries there without a
lock, lets an older code live on in another browser, and needs an account before the address is proved.
"""

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url, passthrough_next_redirect_url, perform_login
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from members.kit.refusals import Refusal
from members.origins.actions import note_origin, store_behind
from members.origins.views import CAME_BY
from members.profiles.models import Member
from members.profiles.rules import mask
from members.signin.actions import Address, DeadCode, join, member_at, open_account, send_code, use_code
from members.signin.forms import AddressForm, CodeForm, JoinForm

ASKED = "sign_in_asked"  # session: kind, value and handle of the code we sent
PROVED = "sign_in_proved"  # session: kind and value of an address that gave its code and has no member yet
PROOF_LIVES = 1800  # seconds in which a newcomer types a name


@never_cache
@require_http_methods(["GET", "POST"])
def ask_for_code(request: HttpRequest) -> HttpResponse:
    """Send a code to the address typed here. Says the same to everybody."""
    if request.user.is_authenticated and Member.objects.filter(user_id=request.user.pk).exists():
        return redirect(get_next_redirect_url(request) or settings.LOGIN_REDIRECT_URL)
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address: Address = form.cleaned_data["address"]
        if not ratelimit.consume(request, action="request_login_code", key=address.value):
            return answer_too_many(request)
        try:
            handle, digits = send_code(address=address, now=timezone.now())
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session[ASKED] = {"kind": address.kind, "value": address.value, "handle": handle}
            if settings.DEMO:
                request.session[ASKED]["demo"] = digits
            return onward(request, "account_confirm_login_code")
    return render(request, "account/ask_for_code.html", {"form": form, "next": get_next_redirect_url(request)})


@never_cache
@require_http_methods(["GET", "POST"])
def give_code(request: HttpRequest) -> HttpResponse:
    """Take the code: members are signed in, newcomers go on to tell their name."""
    asked = request.session.get(ASKED)
    if asked is None:
        return redirect("account_login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not ratelimit.consume(request, action="login_code_tries"):
            return answer_too_many(request)
        try:
            return accept(request, asked, form.cleaned_data["code"])
        except Refusal as refusal:
            if isinstance(refusal, DeadCode):
                request.session[ASKED].pop("demo", None)
                request.session.modified = True
            form.add_error("code", str(refusal))
    context = {
        "form": form,
        "address": mask(asked["kind"], asked["value"]),
        "typed": asked["value"],
        "demo_code": asked.get("demo") if settings.DEMO else None,
        "next": get_next_redirect_url(request),
    }
    return render(request, "account/give_code.html", context)


def accept(request: HttpRequest, asked: dict[str, str], digits: str) -> HttpResponse:
    """Use the code up, then sign in or ask for a name. Raises what the verbs refuse."""
    address = Address(kind=asked["kind"], value=asked["value"])
    use_code(address=address, handle=asked["handle"], digits=digits)
    del request.session[ASKED]
    member = member_at(address)
    if member is not None:
        return sign_in(request, member, address)
    request.session[PROVED] = {
        "kind": address.kind,
        "value": address.value,
        "until": timezone.now().timestamp() + PROOF_LIVES,
    }
    return onward(request, "account_signup")


@never_cache
@require_http_methods(["GET", "POST"])
def newcomer(request: HttpRequest) -> HttpResponse:
    """Enrol whoever proved an address that no member has."""
    proved = request.session.get(PROVED)
    if proved is None or proved["until"] < timezone.now().timestamp():
        return redirect("account_login")
    came_by = str(request.session.get(CAME_BY, ""))
    form = JoinForm(request.POST or None, initial={"store": store_behind(came_by)})
    if request.method == "POST" and form.is_valid():
        address = Address(kind=proved["kind"], value=proved["value"])
        language = get_language() or settings.LANGUAGE_CODE
        try:
            now = timezone.now()
            member = join(address=address, language=language, now=now, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error("name", str(refusal))
        else:
            note_origin(member=member, came_by=came_by, now=now)
            del request.session[PROVED]
            return sign_in(request, member, address)
    context = {
        "form": form,
        "address": mask(proved["kind"], proved["value"]),
        "next": get_next_redirect_url(request),
    }
    return render(request, "account/join.html", context)


def sign_in(request: HttpRequest, member: Member, address: Address) -> HttpResponse:
    """Sign the member in through allauth."""
    try:
        user = open_account(member=member, address=address, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("account_login")
    response: HttpResponse = perform_login(request, user, redirect_url=get_next_redirect_url(request))
    return response


def onward(request: HttpRequest, name: str) -> HttpResponse:
    """To the next step, keeping the page that the reader wanted."""
    return redirect(passthrough_next_redirect_url(request, reverse(name), REDIRECT_FIELD_NAME))


def answer_too_many(request: HttpRequest) -> HttpResponse:
    """429, in the look of the house."""
    response: HttpResponse = ratelimit.respond_429(request)
    response.headers["Retry-After"] = "600"
    return response


def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out at once on POST; a link alone signs nobody out."""
    if request.method == "POST":
        get_adapter(request).logout(request)
    return HttpResponseRedirect(reverse("account_login"))
