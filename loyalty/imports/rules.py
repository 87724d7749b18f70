"""How a row of a file becomes a sale: which column is what, and what a cell may say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from members.kit.moments import read_moment
from members.kit.money import minor_units
from members.kit.refusals import Malformed
from members.kit.tables import RowTooShort, first_like
from members.profiles.rules import normalise
from members.purchases.models import Tender
from members.purchases.rules import Line, Receipt

KNOWN_AS = {  # beginnings of column names, lower case, in the order they are tried
    "member": ("member", "customer", "card", "phone", "mobile", "email", "会员", "顾客", "客户", "卡号", "手机"),
    "happened_at": ("happened_at", "date", "time", "sold", "日期", "时间", "消费日期", "消费时间"),
    "amount": ("amount", "paid", "total", "金额", "实付", "消费金额"),
    "quantity": ("quantity", "qty", "pieces", "数量", "件数"),
    "receipt": ("receipt", "order", "invoice", "小票", "订单", "单号"),
    "sku": ("sku", "product", "商品编码", "货号"),
    "name": ("name", "item", "商品"),
    "tender": ("tender", "payment", "支付"),
}
NEEDED = ("member", "happened_at", "amount")
TENDERS = frozenset(Tender.values)
CURRENCY_SIGNS = "¥￥$€£"


class ColumnMissing(Malformed):
    code = "column_missing"
    sentence = _("No column of the file says %(field)s. Its columns are: %(columns)s.")


class BadPieces(Malformed):
    code = "bad_quantity"
    sentence = _("%(quantity)s is not a whole number of pieces.")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which cell of a row is what, which identity finds the member, the currency and the country."""

    places: Mapping[str, int]
    width: int
    identity_kind: str
    currency: str
    country: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be a sale: the member's identity as we keep it, and the receipt."""

    line: int
    identity: str
    receipt: Receipt


def find_columns(columns: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """The place of each field: by the mapping where it names a column, else by the usual names.

    Raises ColumnMissing when a needed field, or a column that the mapping names, is not there.
    """
    names = [column.strip().lower() for column in columns]
    places: dict[str, int] = {}
    for field, beginnings in KNOWN_AS.items():
        wanted = mapping.get(field)
        place = names.index(wanted.strip().lower()) if wanted and wanted.strip().lower() in names else None
        if place is None and not wanted:
            place = first_like(names, beginnings, taken=set(places.values()))
        if place is None and (wanted or field in NEEDED):
            raise ColumnMissing(field=wanted or field, columns=", ".join(columns)[:200])
        if place is not None:
            places[field] = place
    return places


def guess_identity(column: str) -> str:
    """Which identity a column of members holds, by its name: a card unless it says otherwise."""
    name = column.lower()
    if any(word in name for word in ("phone", "mobile", "手机", "电话")):
        return "phone"
    if any(word in name for word in ("mail", "邮箱")):
        return "email"
    return "card"


def read_row(line: int, cells: Sequence[str], layout: Layout, seen: Counter[tuple[str, ...]]) -> Row:
    """Read a row. Raises what is wrong with it. `seen` counts equal rows, so that two equal sales stay two."""
    if len(cells) < layout.width:
        raise RowTooShort
    said = {field: cells[place].strip() for field, place in layout.places.items()}
    seen[tuple(said.values())] += 1
    amount = minor_units(said["amount"].lstrip(CURRENCY_SIGNS).replace(",", ""), currency=layout.currency)
    pieces = read_pieces(said.get("quantity", ""))
    at = read_moment(said["happened_at"])
    tender = said.get("tender", "")
    return Row(
        line=line,
        identity=normalise(layout.identity_kind, said["member"], layout.country),
        receipt=Receipt(
            receipt=said.get("receipt") or f"{at:%Y%m%d%H%M%S}-{amount}-{pieces}-{seen[tuple(said.values())]}",
            happened_at=at,
            currency=layout.currency,
            amount=amount,
            tender=tender if tender in TENDERS else Tender.OTHER.value,
            lines=[Line(said.get("sku", "")[:60], said.get("name", "")[:200], pieces, amount)],
        ),
    )


def read_pieces(text: str) -> int:
    """A number of pieces; nothing said is one."""
    if not text:
        return 1
    try:
        return int(text)
    except ValueError:
        raise BadPieces(quantity=text[:40]) from None
