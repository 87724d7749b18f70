"""Verbs: write down where a member lives."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from members.addresses.models import Address
from members.addresses.rules import PARTS, check_country, clean_part, clean_postcode
from members.profiles.actions import check_current
from members.profiles.models import Member


def address_of(member: Member) -> Address:
    """Where the member lives, or a blank sheet that is not kept yet."""
    found = Address.objects.filter(member=member).first()
    return found or Address(member=member, country=settings.SHOP_COUNTRY)


@transaction.atomic
def settle_at(*, member: Member, now: datetime, country: str, postcode: str = "", **parts: str) -> Address:
    """Write down where a member lives now: province, city, district and street, each may be left out.

    Raises MemberMerged, BadCountry, BadPostcode, AddressTooLong or BadName; then nothing was changed.
    """
    fresh = check_current(member)
    address = address_of(fresh)
    address.country = check_country(country)
    address.postcode = clean_postcode(postcode, country)
    for name in PARTS:
        setattr(address, name, clean_part(name, parts.get(name, "")))
    address.said_at = now
    if address.pk or not address.is_empty:
        address.save()
    return address


def lines_of(members: Sequence[int]) -> Mapping[int, str]:
    """The addresses of these members on a line each."""
    return {each.member_id: each.line for each in Address.objects.filter(member__in=members)}


def cities_of(members: Sequence[int]) -> Mapping[int, str]:
    """The cities of these members."""
    return dict(Address.objects.filter(member__in=members).values_list("member", "city"))
