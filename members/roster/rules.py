"""How a row of a file becomes what we know about a member: which column is what, and what a cell may say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.kit.moments import read_moment
from members.kit.refusals import Malformed
from members.kit.tables import LONGEST_CELL, RowTooShort, first_like
from members.profiles.rules import BadBirthday, Field, check_birthday, check_custom, clean_name, normalise, shown

KNOWN_AS = {  # beginnings of column names, lower case, in the order they are tried
    "phone": ("phone", "mobile", "cell", "tel", "手机", "电话", "联系电话", "联系方式"),
    "email": ("e-mail", "email", "mail", "邮箱", "电子邮", "邮件"),
    "card": ("card", "member card", "会员卡", "卡号"),
    "wechat": ("wechat", "openid", "微信"),
    "birth_on": ("birth", "born", "date of birth", "生日", "出生"),
    "home_store": ("home store", "store", "shop", "门店", "所属门店", "归属门店", "店铺"),
    "enrolled_at": ("enrol", "joined", "registered", "member since", "入会", "注册", "开卡", "加入"),
    "language": ("language", "语言"),
    "name": ("name", "full name", "member name", "姓名", "名字", "会员姓名", "客户姓名", "顾客姓名"),
}
IDENTITIES = ("phone", "email", "card", "wechat")
FACTS = ("name", "birth_on", "home_store", "enrolled_at", "language")
CUSTOM = "custom."
LANGUAGES = {
    "zh": "zh-hans", "zh-hans": "zh-hans", "zh-cn": "zh-hans", "中文": "zh-hans", "简体中文": "zh-hans",
    "simplified chinese": "zh-hans", "chinese": "zh-hans", "en": "en", "english": "en", "英文": "en", "英语": "en",
}  # fmt: skip
ADDED_BY_US = {"line number", "行号", "reason", "原因"}  # columns of the file of bad rows
ROUNDED = re.compile(r"([1-9])\.?(\d*)[eE]\+(\d{1,2})")
NOUGHTS = re.compile(r"(\d+)\.0+")
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?(?:[ T][\d:.]+)?")
COMPACT_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
SERIAL_DAY = re.compile(r"[1-9]\d{4}(?:\.0+)?")  # from 1927 on
SERIALS_BEGIN = date(1899, 12, 30)
ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}


class NothingFinds(Malformed):
    code = "nothing_finds"
    sentence = _("No column says a phone, e-mail, card or WeChat id, by which members are found.")


class SaidTwice(Malformed):
    code = "said_twice"
    sentence = _("Two columns say the same: %(field)s.")


class UnknownMeaning(Malformed):
    code = "unknown_meaning"
    sentence = _("A column cannot say %(field)s.")


class RoundedNumber(Malformed):
    code = "rounded_number"
    sentence = _("A spreadsheet rounded %(text)s, so its digits are lost. Format the column as text and type it again.")


class BrokenCell(Malformed):
    code = "broken_cell"
    sentence = _("%(text)s is what a spreadsheet shows when a formula fails.")


class UnknownStore(Malformed):
    code = "unknown_store"
    sentence = _("There is no store %(text)s in which you work.")


class UnknownLanguage(Malformed):
    code = "bad_language"
    sentence = _("%(text)s is no language in which we write.")


class NothingToFindBy(Malformed):
    code = "no_identity"
    sentence = _("The row has no phone, e-mail, card or WeChat id.")


class EnrolledLater(Malformed):
    code = "enrolled_in_future"
    sentence = _("%(text)s is still to come, so nobody has joined then.")


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns say, and what cells are read by: stores by code and names, the further fields, the day."""

    meaning: Sequence[str]
    country: str
    now: datetime
    today: date
    stores: Mapping[str, int]
    fields: Sequence[Field]
    width: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can be a member: by what they are found, and what is said about them. What is empty is left out."""

    line: int
    cells: list[str]
    identities: tuple[tuple[str, str], ...]
    facts: dict[str, Any] = field(default_factory=dict)


def header_of(columns: Sequence[str]) -> str:
    """What stands for these column names; those that we added to a file of bad rows do not count."""
    names = [column.strip().lower() for column in columns]
    return sha256("\n".join(name for name in names if name not in ADDED_BY_US).encode()).hexdigest()


def guess_meaning(columns: Sequence[str], custom: Mapping[str, Sequence[str]]) -> list[str]:
    """What each column most likely says, by its name. `custom` holds the names of further fields by code."""
    names = [column.strip().lower() for column in columns]
    places: dict[int, str] = {}
    for code, called in custom.items():
        exact = {each.lower() for each in called if each}
        place = next((at for at, name in enumerate(names) if name in exact and at not in places), None)
        if place is not None:
            places[place] = CUSTOM + code
    for said, beginnings in KNOWN_AS.items():
        place = first_like(names, beginnings, taken=set(places))
        if place is not None:
            places[place] = said
    return [places.get(at, "") for at in range(len(columns))]


def check_meaning(meaning: Sequence[str], custom: Sequence[str]) -> list[str]:
    """The meaning again. Raises UnknownMeaning, SaidTwice or NothingFinds."""
    known = {*KNOWN_AS, *(CUSTOM + code for code in custom)}
    said = [each for each in meaning if each]
    for each in said:
        if each not in known:
            raise UnknownMeaning(field=shown(each))
        if said.count(each) > 1:
            raise SaidTwice(field=each.removeprefix(CUSTOM))
    if not set(said) & set(IDENTITIES):
        raise NothingFinds
    return list(meaning)


def read_entry(line: int, cells: list[str], layout: Layout) -> Entry:
    """Read a row. Raises what is wrong with it."""
    if len(cells) < layout.width or max(map(len, cells), default=0) > LONGEST_CELL:
        raise RowTooShort
    said = {meaning: text for meaning, cell in zip(layout.meaning, cells, strict=False) if (text := cell.strip())}
    said.pop("", None)
    for text in ERRORS & set(said.values()):
        raise BrokenCell(text=text)
    identities = tuple(
        (kind, normalise(kind, whole_number(kind, said[kind]), layout.country)) for kind in IDENTITIES if kind in said
    )
    if not identities:
        raise NothingToFindBy
    facts = {name: read_fact(name, text, layout) for name, text in said.items() if name in FACTS}
    custom = {name.removeprefix(CUSTOM): text for name, text in said.items() if name.startswith(CUSTOM)}
    if custom:
        facts["custom"] = check_custom(layout.fields, custom)
    return Entry(line, cells, identities, facts)


def whole_number(kind: str, text: str) -> str:
    """A phone or card as it was typed, where a spreadsheet made a number of it. Raises RoundedNumber."""
    if kind not in ("phone", "card"):
        return text
    if without := NOUGHTS.fullmatch(text):
        return without[1]
    if rounded := ROUNDED.fullmatch(text):
        if len(rounded[2]) != int(rounded[3]):
            raise RoundedNumber(text=text)
        return rounded[1] + rounded[2]
    return text


def read_fact(said: str, text: str, layout: Layout) -> Any:
    """What a cell says about a member. Raises what is wrong with it."""
    if said == "name":
        return clean_name(text)
    if said == "birth_on":
        return check_birthday(read_day(text), layout.today)
    if said == "enrolled_at":
        return read_enrolment(text, layout.now)
    if said == "home_store":
        store = layout.stores.get(text.lower())
        if store is None:
            raise UnknownStore(text=shown(text))
        return store
    language = LANGUAGES.get(text.lower())
    if language is None:
        raise UnknownLanguage(text=shown(text))
    return language


def read_day(text: str) -> date:
    """A day as people and spreadsheets write it, also as the number that a spreadsheet counts it by."""
    if SERIAL_DAY.fullmatch(text):
        return SERIALS_BEGIN + timedelta(days=int(float(text)))
    parts = DAY.fullmatch(text) or COMPACT_DAY.fullmatch(text)
    try:
        if parts is None:
            raise ValueError
        return date(int(parts[1]), int(parts[2]), int(parts[3]))
    except ValueError:
        raise BadBirthday(day=shown(text)) from None


def read_enrolment(text: str, now: datetime) -> datetime:
    """A moment in the past."""
    if SERIAL_DAY.fullmatch(text):
        text = read_day(text).isoformat()
    moment = read_moment(text)
    if moment > now:
        raise EnrolledLater(text=shown(text))
    return moment
