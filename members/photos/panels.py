"""How a photo is handed out to a page."""

from django.http import Http404, HttpRequest, HttpResponse

from members.photos.models import Photo


def picture(request: HttpRequest, photo: Photo | None) -> HttpResponse:
    """The photo as a file for a page, small if that is asked for. The caller has checked who looks."""
    if photo is None:
        raise Http404
    kept = photo.small if "small" in request.GET else photo.whole
    try:
        with kept.open("rb") as raw:
            return HttpResponse(raw.read(), content_type="image/jpeg")
    except FileNotFoundError:
        raise Http404 from None
