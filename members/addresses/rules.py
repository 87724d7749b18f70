"""What can be an address, and how it is written: no database, no clock."""

import re
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import normalize

from babel import Locale
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed
from members.people.rules import HAN
from members.profiles.rules import LONGEST_NAME, clean_name

PARTS = ("province", "city", "district", "street")
LENGTHS = {"province": 40, "city": 40, "district": 40, "street": 200}
LONGEST_POSTCODE = 12
POSTCODE = re.compile(r"[0-9A-Z][0-9A-Z -]{1,11}")
POSTCODES = {"CN": re.compile(r"[0-9]{6}")}  # where we know how they look
COUNTRY = re.compile(r"[A-Z]{2}")


class BadCountry(Malformed):
    """No country has this code."""

    code = "bad_country"
    sentence = _("Choose one of the countries.")


class BadPostcode(Malformed):
    """Not a postcode of that country."""

    code = "bad_postcode"
    sentence = _("%(postcode)s is not a postcode there.")


class AddressTooLong(Malformed):
    """It would not fit on an envelope."""

    code = "address_too_long"
    sentence = _("Please use at most %(limit)s characters for this part of the address.")

    field = ""


@lru_cache(maxsize=4)
def country_names(language: str) -> dict[str, str]:
    """The countries by their ISO 3166 codes, in the words of a language (CLDR)."""
    names = Locale.parse("en" if language.startswith("en") else "zh_Hans").territories
    return {code: names[code] for code in sorted(names, key=lambda each: names[each]) if COUNTRY.fullmatch(code)}


def check_country(code: str) -> str:
    """The code again. Raises BadCountry."""
    if code not in country_names("en") or code == "ZZ":
        raise BadCountry
    return code


def clean_postcode(text: str, country: str) -> str:
    """The postcode in capitals. Raises BadPostcode."""
    postcode = " ".join(text.upper().split())
    if postcode and not POSTCODES.get(country, POSTCODE).fullmatch(postcode):
        raise BadPostcode(postcode=postcode[:LONGEST_POSTCODE])
    return postcode


def clean_part(name: str, text: str) -> str:
    """A part of the address on one line. Raises AddressTooLong or BadName."""
    line = normalize("NFC", " ".join(text.split()))
    if len(line) > LENGTHS[name]:
        refusal = AddressTooLong(limit=LENGTHS[name])
        refusal.field = name
        raise refusal
    for start in range(0, len(line), LONGEST_NAME):
        clean_name(line[start : start + LONGEST_NAME])  # nothing that cannot be seen
    return line


def written(parts: Mapping[str, str], *, home: str, language: str) -> str:
    """The address on one line: Chinese ones from the large to the small without gaps, others from the street up.

    The country is named only where it is not the shop's own.
    """
    country = parts["country"]
    abroad = country_names(language).get(country, country) if country and country != home else ""
    places = list(dict.fromkeys(parts[name] for name in PARTS if parts[name]))  # Shanghai is a province and a city
    if not places:
        return " ".join(filter(None, [parts["postcode"], abroad]))
    if HAN.search("".join(places)):
        return " ".join(filter(None, [abroad + "".join(places), parts["postcode"]]))
    *small, largest = reversed(places)
    return ", ".join(filter(None, [*small, " ".join(filter(None, [largest, parts["postcode"]])), abroad]))
