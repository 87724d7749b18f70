"""The member's door: my photo."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from members.kit.refusals import Refusal
from members.photos.actions import keep_photo, photo_of, remove_photo
from members.photos.forms import PhotoForm
from members.photos.panels import picture
from members.profiles.views import member_of


@login_required
@never_cache
@require_safe
def my_photo(request: HttpRequest) -> HttpResponse:
    """The picture itself."""
    return picture(request, photo_of(member_of(request)))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def change_photo(request: HttpRequest) -> HttpResponse:
    """My photo: given, changed, taken away."""
    member = member_of(request)
    is_sent = request.method == "POST" and "remove" not in request.POST
    form = PhotoForm(request.POST, request.FILES) if is_sent else PhotoForm()
    if request.method == "POST" and not is_sent:
        remove_photo(member=member)
        messages.success(request, _("Your photo is gone."))
        return redirect("change_photo")
    if is_sent and form.is_valid():
        upload = form.cleaned_data["photo"]
        try:
            keep_photo(member=member, raw=upload.file, size=upload.size, now=timezone.now())
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("change_photo")
    return render(request, "portal/change_photo.html", {"form": form, "photo": photo_of(member)})
