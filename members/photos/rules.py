"""What can be a photo, and how it is made anew: no database, no clock."""

import io
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from members.kit.refusals import Malformed

LARGEST_FILE = 10_000_000  # bytes
MOST_PIXELS = 50_000_000  # a phone's camera has as many; a file that unpacks to more is refused before it is unpacked
LARGEST_SIDE = 1_024
SMALL_SIDE = 192
FORMATS = ("JPEG", "PNG", "WEBP")
TYPES = "image/jpeg,image/png,image/webp"
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError)  # what decoders raise for bad files

Image.MAX_IMAGE_PIXELS = None  # Pillow would warn of large ones; they are refused here, by their own limit


class PhotoTooLarge(Malformed):
    """More bytes than we take."""

    code = "photo_too_large"
    sentence = _("The photo is too large. At most %(most)s MB fit.")


class TooManyPixels(Malformed):
    """It would unpack to more than we take."""

    code = "too_many_pixels"
    sentence = _("The photo has too many pixels. At most %(most)s million fit.")


class NotAPicture(Malformed):
    """The content is none that we can read, whatever the name says."""

    code = "not_a_picture"
    sentence = _("This is not a photo that we can read. Please choose a JPEG, PNG or WebP file.")


@dataclass(frozen=True, slots=True)
class Pictures:
    """A photo made anew, as JPEG: as it is looked at, and a small square."""

    whole: bytes
    small: bytes


def made_anew(raw: BinaryIO, size: int) -> Pictures:
    """Read a photo of so many bytes and draw it anew: turned upright, without place, camera or anything else hidden.

    Raises PhotoTooLarge, TooManyPixels or NotAPicture.
    """
    if size > LARGEST_FILE:
        raise PhotoTooLarge(most=LARGEST_FILE // 1_000_000)
    try:
        with Image.open(raw, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise TooManyPixels(most=MOST_PIXELS // 1_000_000)
            picture.draft("RGB", (2 * LARGEST_SIDE, 2 * LARGEST_SIDE))  # JPEGs are unpacked no larger than needed
            upright = on_white(ImageOps.exif_transpose(picture))
    except BROKEN:
        raise NotAPicture from None
    upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return Pictures(as_jpeg(upright), as_jpeg(ImageOps.fit(upright, (SMALL_SIDE, SMALL_SIDE))))


def on_white(picture: Image.Image) -> Image.Image:
    """The picture without transparency, in colours that every page shows."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def as_jpeg(picture: Image.Image) -> bytes:
    """The picture as a file, with its pixels and nothing else."""
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()
