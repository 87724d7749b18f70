"""How identities are read and shown, which names and further fields can be: no database, no clock."""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Malformed, Refusal

LONGEST_NAME = 100
LONGEST_FIELD = 500
LARGEST_NUMBER = Decimal(10) ** 15
PHONE_LOOKS = re.compile(r"[+\d ()./‐‑‒–—-]{3,40}")
CHINESE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
CARD_LOOKS = re.compile(r"[0-9A-Z]{3,40}")
WECHAT_LOOKS = re.compile(r"[0-9A-Za-z_-]{3,64}")
NUMBER_LOOKS = re.compile(r"[0-9]{6,20}")
TURNS_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069]")  # makes a name read as something else
YES = {"true", "yes", "1", "是"}
NO = {"false", "no", "0", "否"}


class BadPhone(Malformed):
    """The text is not a phone number."""

    code = "bad_phone"
    sentence = _("%(phone)s is not a phone number.")


class BadEmail(Malformed):
    """The text is not an e-mail address."""

    code = "bad_email"
    sentence = _("%(email)s is not an e-mail address.")


class BadIdentity(Malformed):
    """The text is not an identity of this kind, or there is no such kind."""

    code = "bad_identity"
    sentence = _("%(value)s is not an identity of the kind %(kind)s.")


class IdentityErased(Refusal):
    """Who had it was erased: only they themself may come back with it."""

    code = "identity_erased"
    sentence = _("Who had this identity asked to be erased. An import does not bring them back.")


class BadName(Malformed):
    """The text cannot be a name."""

    code = "bad_name"
    sentence = _("A name has at most %(limit)s characters, and none that cannot be seen.")


class BadField(Malformed):
    """A further field is unknown, or its value is not of its kind."""

    code = "bad_field"
    sentence = _("%(value)s cannot stand in the field %(field)s: %(expected)s.")


class FieldRequired(Malformed):
    """The shop wants this field filled in."""

    code = "field_required"
    sentence = _("The field %(field)s must be filled in.")


class BadLanguage(Malformed):
    """We do not write in this language."""

    code = "bad_language"
    sentence = _("We write in %(ours)s only.")


class BadBirthday(Malformed):
    """Nobody was born on that day."""

    code = "bad_birthday"
    sentence = _("%(day)s cannot be a birthday.")


def normalise(kind: str, text: str, country: str) -> str:
    """An identity as it is stored: phones in E.164, e-mail in lower case, cards in capitals without spaces.

    A phone without a country code lies in `country` (ISO 3166). Raises BadPhone, BadEmail or BadIdentity.
    """
    readers = {
        "phone": lambda: read_phone(text, country),
        "email": lambda: read_email(text),
        "card": lambda: read_compact(kind, text.upper(), CARD_LOOKS),
        "number": lambda: read_compact(kind, text, NUMBER_LOOKS),
        "wechat": lambda: read_wechat(text),
    }
    if kind not in readers:
        raise BadIdentity(kind=kind[:20], value=shown(text))
    return readers[kind]()


def plain(text: str) -> str:
    """Full-width letters and digits made ordinary, invisible marks gone, trimmed."""
    text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", text).strip()


def printable(text: str) -> str:
    """The text without what cannot be seen or stored."""
    return plain("".join(character for character in text if character.isprintable()))


def shown(text: str) -> str:
    """What was typed, fit to stand in a sentence."""
    return printable(text[:40])


def read_phone(text: str, country: str) -> str:
    if country == "CN" and CHINESE_MOBILE.fullmatch(text) and is_mobile_block(text[:5]):
        return f"+86{text}"
    typed = plain(text)
    if not PHONE_LOOKS.fullmatch(typed):
        raise BadPhone(phone=shown(text))
    try:
        phone = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        raise BadPhone(phone=shown(text)) from None
    if not phonenumbers.is_valid_number(phone):
        raise BadPhone(phone=shown(text))
    return str(phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=10_000)
def is_mobile_block(begins: str) -> bool:
    """Whether all Chinese mobile phones that begin with these five digits are in use: nothing behind them is asked.

    A file of a million of them is read several times as fast.
    """
    phone = phonenumbers.parse(f"{begins}000000", "CN")
    return phone.national_number == int(f"{begins}000000") and bool(phonenumbers.is_valid_number(phone))


def read_email(text: str) -> str:
    email = plain(text).lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadEmail(email=shown(text)) from None
    if len(email) > 254:
        raise BadEmail(email=shown(text))
    return email


def read_compact(kind: str, text: str, looks: re.Pattern[str]) -> str:
    """Cards and member numbers, which people write in groups."""
    compact = re.sub(r"[\s-]", "", plain(text)).upper()
    if not looks.fullmatch(compact):
        raise BadIdentity(kind=kind, value=shown(text))
    return compact


def read_wechat(text: str) -> str:
    if not WECHAT_LOOKS.fullmatch(text.strip()):
        raise BadIdentity(kind="wechat", value=shown(text))
    return text.strip()


def guess_kind(text: str, country: str) -> str:
    """What somebody most likely typed: an e-mail, a phone, a member number, or else a card."""
    if "@" in plain(text):
        return "email"
    try:
        read_phone(text, country)
    except BadPhone:
        return "number" if re.fullmatch(r"[0-9]{10}", re.sub(r"[\s-]", "", plain(text))) else "card"
    return "phone"


def mask(kind: str, value: str) -> str:
    """An identity as it is shown to those who need not know it: 138****5678, w***@example.com, ****2043."""
    if kind == "email":
        name, _at, domain = value.partition("@")
        return f"{name[:1]}***@{domain}"
    if kind == "phone":
        local = value.removeprefix("+86")
        return f"{local[:-8]}****{local[-4:]}"
    return f"****{value[-4:]}" if len(value) > 6 else "****"


def mask_name(name: str) -> str:
    """A name as a till greets it: 王*, Anna G."""
    first, *others = name.split()[:2] or [""]
    if others:
        return f"{first} {others[0][0]}."
    return first[:1] + "*" * min(len(first) - 1, 3) if first else ""


def clean_name(text: str) -> str:
    """The name trimmed, its spaces single. Raises BadName when it is too long or holds what cannot be seen."""
    name = re.sub(r" {2,}", " ", unicodedata.normalize("NFC", text).strip())
    unseen = any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)
    if unseen or TURNS_TEXT.search(name) or len(name) > LONGEST_NAME:
        raise BadName(limit=LONGEST_NAME)
    return name


def check_birthday(day: date | None, today: date) -> date | None:
    """The day again. Raises BadBirthday for one that is still to come, or was over 130 years ago."""
    if day is not None and not today.year - 130 <= day.year <= day.year + (today - day).days:
        raise BadBirthday(day=day.isoformat())
    return day


class Field(Protocol):
    """What is asked of a further field."""

    @property
    def code(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def choices(self) -> Sequence[str]: ...
    @property
    def is_required(self) -> bool: ...


EXPECTED = {
    "text": _("a text of at most %(most)s characters is expected"),
    "number": _("a number is expected"),
    "date": _("a day such as 2026-03-09 is expected"),
    "yes_no": _("yes or no is expected"),
    "choice": _("one of %(choices)s is expected"),
}


def expected_of(field: Field) -> str:
    """What can stand in a field, in words."""
    words: str = EXPECTED[field.kind] % {"most": LONGEST_FIELD, "choices": ", ".join(field.choices)}
    return words


def check_custom(fields: Iterable[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of further fields by code, each of its field's kind, empty ones left out.

    Raises BadField, or FieldRequired for an empty value where the shop wants one.
    """
    known = {field.code: field for field in fields}
    checked: dict[str, Any] = {}
    for code, value in values.items():
        if code not in known:
            raise BadField(field=shown(code), value=shown(str(value)), expected=_("there is no such field"))
        if value is not None and value != "":
            checked[code] = check_value(known[code], value)
        elif known[code].is_required:
            raise FieldRequired(field=code)
    return checked


def check_value(field: Field, value: Any) -> Any:
    """One value as it is stored. Raises BadField."""
    readers = {"text": as_text, "number": as_number, "date": as_date, "yes_no": as_yes_or_no}
    try:
        if field.kind == "choice":
            return field.choices[list(field.choices).index(value)]
        return readers[field.kind](value)
    except (ValueError, TypeError, BadName, InvalidOperation):
        raise BadField(field=field.code, value=shown(str(value)), expected=expected_of(field)) from None


def as_text(value: Any) -> str:
    text = str(value).strip()
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character != "\n" for character in text):
        raise ValueError
    if isinstance(value, dict | list) or len(text) > LONGEST_FIELD:
        raise ValueError
    return text


def as_number(value: Any) -> int | float:
    number = Decimal(str(value).strip())
    if isinstance(value, bool) or not number.is_finite() or abs(number) > LARGEST_NUMBER:
        raise ValueError
    return int(number) if number == number.to_integral_value() else float(number)


def as_date(value: Any) -> str:
    return (value if isinstance(value, date) else date.fromisoformat(str(value).strip())).isoformat()


def as_yes_or_no(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in YES | NO:
        raise ValueError
    return text in YES


def blinded(kind: str, value: str, key: str) -> str:
    """HMAC-SHA-256 of an identity under the shop's key: known again when it comes, and not to be read (RFC 2104)."""
    return hmac.new(key.encode(), f"{kind}:{value}".encode(), sha256).hexdigest()


class BadChoice(Malformed):
    """Of two profiles one is chosen, field by field."""

    code = "bad_choice"
    sentence = _("%(field)s cannot be chosen so.")


def usual_choices(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, str]:
    """For every field whose value to keep when two are one: the survivor's, unless that is empty."""
    fields = list(dict.fromkeys([*ours, *theirs]))
    is_theirs = {name: ours.get(name) in (None, "") and theirs.get(name) not in (None, "") for name in fields}
    return {name: "duplicate" if is_theirs[name] else "survivor" for name in fields}


def chosen(ours: Mapping[str, Any], theirs: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """The values to keep. Raises BadChoice for a field that neither has, or a choice that is none."""
    usual = usual_choices(ours, theirs)
    for name, side in choices.items():
        if name not in usual or side not in {"survivor", "duplicate"}:
            raise BadChoice(field=shown(name))
    sides = usual | dict(choices)
    return {name: (ours if side == "survivor" else theirs).get(name) for name, side in sides.items()}


def parts_of(text: str) -> list[str]:
    """By what a part of a name is looked up: its runs of three characters, or itself where it is shorter.

    One or two letters of an alphabet stand in too many names: for those the list is empty.
    """
    small = text.lower()
    if len(small) < 3:
        return [small] if small and not small.isascii() else []
    return sorted({small[start : start + 3] for start in range(len(small) - 2)})
