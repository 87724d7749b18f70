"""The staff's door to a member's photo: seen by who may see the member, given and taken away by who may change them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from members.advisers import admin as advisers
from members.photos.actions import keep_photo, photo_of, remove_photo
from members.photos.forms import PhotoForm
from members.photos.panels import picture
from members.profiles.models import Member

admin.site.unregister(Member)


@admin.register(Member)
class MemberDesk(advisers.MemberDesk):
    """Members with a photo; address, adviser and photo are read together with the member."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("photo", "address", "advising__adviser")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path("<int:number>/photo/", view(self.photo), name="member_photo"),
            path("<int:number>/photo.jpg", view(require_safe(self.picture)), name="member_picture"),
        ]
        return [*ours, *super().get_urls()]

    def picture(self, request: HttpRequest, number: int) -> HttpResponse:
        """The picture itself."""
        answer = picture(request, photo_of(self.one(request, number)))
        add_never_cache_headers(answer)
        return answer

    def photo(self, request: HttpRequest, number: int) -> HttpResponse:
        """The photo, and a form for another one."""
        member = self.one(request, number)
        if request.method == "POST" and "remove" in request.POST:
            if not self.has_change_permission(request, member):
                raise PermissionDenied
            remove_photo(member=member)
            return redirect(request.path)
        form = PhotoForm(request.POST, request.FILES) if request.method == "POST" else PhotoForm()
        photo = photo_of(member)
        address = reverse("admin:member_picture", args=[member.pk])
        return self.form_page(
            request,
            member,
            form,
            lambda said: keep_photo(member=member, raw=said["photo"].file, size=said["photo"].size, now=timezone.now()),
            heading=_("Photo"),
            picture=f"{address}?of={photo.given_at:%Y%m%d%H%M%S}" if photo else "",
            button=_("Keep this photo"),
        )
