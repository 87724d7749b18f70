"""The member's door: still right."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from members.completeness.actions import confirm
from members.profiles.views import member_of


@login_required
@require_POST
def confirm_profile(request: HttpRequest) -> HttpResponse:
    """All of it is still right, by one tap."""
    confirm(member=member_of(request), now=timezone.now())
    messages.success(request, _("Thank you. Your profile is up to date."))
    return redirect("home")
