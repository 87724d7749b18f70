"""The statement that prices a range of members' past sales anew by the draft of a promotion.

Its steps are those of `replay`, with minor units in the place of points: a sale stands at what was paid for it then.
"""

from loyalty.conditions.case import Bound
from loyalty.conditions.goods import chosen_in_sql
from loyalty.conditions.tree import in_sql, uses
from loyalty.pricing.rules import Offer
from loyalty.replay.sql import (
    COLUMNS,
    NUMBERED,
    PURCHASES,
    Ground,
    Looked,
    after,
    divided,
    numbers,
    of_sales,
    steps_of,
    tier_of_then,
)

# The lines of a sale; one that came without lines is one line.
LINES = """(
           SELECT position, sku, quantity, amount, returned_amount FROM members_saleline WHERE sale_id = s.id
            UNION ALL
           SELECT 0, '', 1, s.amount, s.returned_amount
            WHERE NOT EXISTS (SELECT FROM members_saleline WHERE sale_id = s.id)) l"""
# A line's pieces are worth whole minor units that add up to it: the dearer ones cost one more.
PIECES = """(VALUES (l.amount / l.quantity, l.quantity - mod(l.amount, l.quantity)),
                             (l.amount / l.quantity + 1, mod(l.amount, l.quantity))) piece(price, pieces)"""


def whole_sale() -> str:
    """The join of all that a sale cost, as `g.amount`, and what of it came back."""
    return "CROSS JOIN LATERAL (SELECT s.amount AS amount, s.returned_amount AS back, s.amount AS weight) g"


def chosen_lines(offer: Offer, bound: Bound) -> str:
    """The join of what the chosen lines cost, as `g.amount`."""
    return f"""CROSS JOIN LATERAL (
           SELECT sum(l.amount)::bigint AS amount, sum(l.returned_amount) AS back, sum(l.amount) AS weight
             FROM {LINES}
            WHERE l.amount > 0 AND {chosen_in_sql(offer.lines, bound)}) g"""


def each_piece(offer: Offer, bound: Bound) -> str:
    """The join of what comes off piece by piece, as `g.amount`: no piece goes below nothing."""
    return f"""CROSS JOIN LATERAL (
           SELECT sum(off)::bigint AS amount, sum(l.returned_amount) AS back, sum(l.amount) AS weight
             FROM {LINES}
            CROSS JOIN LATERAL (SELECT sum(least({offer.amount:d}, price) * pieces) AS off FROM {PIECES}) piece
            WHERE l.amount > 0 AND {chosen_in_sql(offer.lines, bound)}) g"""


def got_pieces(offer: Offer, bound: Bound) -> str:
    """The join of what the pieces cost that are got, as `g.amount`: the cheapest ones that leave enough bought."""
    most = "" if offer.sets is None else f", {offer.sets:d}"
    bought, got = (chosen_in_sql(lines, bound) for lines in (offer.lines, offer.got_lines or offer.lines))
    return f"""CROSS JOIN LATERAL (
           WITH goods AS (
               SELECT l.*, {bought} AS is_bought, {got} AS is_got FROM {LINES} WHERE l.amount > 0
           ), wanted AS (
               SELECT sets * {offer.gets:d} AS wanted, bought - sets * {offer.buys:d} AS spare
                 FROM (SELECT sum(quantity) FILTER (WHERE is_bought) AS bought,
                              sum(quantity) FILTER (WHERE is_got) AS got,
                              sum(quantity) FILTER (WHERE is_bought OR is_got) AS either FROM goods) n
                CROSS JOIN LATERAL (SELECT coalesce(least(bought / {offer.buys:d}, got / {offer.gets:d},
                                           either / {offer.buys + offer.gets:d}{most}), 0) AS sets) m
                WHERE bought IS NOT NULL AND got IS NOT NULL
           ), free AS (
               SELECT price, position, wanted,
                      CASE WHEN is_bought THEN greatest(least(pieces, spare - coalesce(
                               sum(pieces) FILTER (WHERE is_bought) OVER cheaper, 0)), 0) ELSE pieces END AS pieces
                 FROM goods l CROSS JOIN LATERAL {PIECES} CROSS JOIN wanted
                WHERE is_got AND pieces > 0
               WINDOW cheaper AS (ORDER BY price, position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
           )
           SELECT (SELECT sum(price * greatest(least(pieces, wanted - earlier), 0))::bigint
                     FROM (SELECT *, coalesce(sum(pieces) OVER cheaper, 0) AS earlier FROM free
                           WINDOW cheaper AS (ORDER BY price, position
                                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) run) AS amount,
                  sum(returned_amount) AS back, sum(amount) AS weight FROM goods WHERE is_got) g"""


def goods(offer: Offer, bound: Bound) -> str:
    """The join that brings the amount out of which the sum is made."""
    if offer.effect == "buy_get":
        return got_pieces(offer, bound)
    if offer.effect == "amount_off" and offer.is_per_piece:
        return each_piece(offer, bound)
    return chosen_lines(offer, bound) if offer.lines else whole_sale()


def off(offer: Offer) -> str:
    """Minor units off a sale before the limits of a member."""
    amount = "coalesce(g.amount, 0)"
    if offer.effect != "amount_off":
        amount = divided(f"{amount} * {offer.percent:d}", 100, offer.rounding, is_small=True)
    elif not offer.is_per_piece:
        amount = f"least({amount}, {offer.amount:d})"
    return amount if offer.most is None else f"least({amount}, {offer.most:d})"


def repriced(offer: Offer, ground: Ground, bound: Bound, looked: Looked | None = None) -> str:
    """The steps of a WITH up to `netted`: sale by sale what the draft would take off, and what its promotion did.

    Wants first, last (members), since and until (moments). Without versions of the promotion's own only those sales
    are there off which the draft takes something.
    """
    looked, climb = looked or Looked(), ground.climb
    needs_tier, is_numbered = uses(offer.conditions, "tier"), uses(offer.conditions, *PURCHASES)
    before = (steps_of(climb) if needs_tier and climb else "") + (NUMBERED if is_numbered else "")
    joins = [goods(offer, bound)]
    if needs_tier:
        joins += tier_of_then(climb) if climb else ["CROSS JOIN (SELECT NULL::bigint AS tier) t"]
    joins += ["JOIN numbered n ON n.id = s.id"] if is_numbered else []
    fires = in_sql(offer.conditions, bound) if offer.is_on else "false"
    points, issued, really = off(offer), "0::bigint", "0::bigint"
    conditions = [*looked.conditions]
    if ground.own:
        points = f"CASE WHEN {fires} THEN {points} ELSE 0 END"
        issued, really = "coalesce(a.off, 0)", "coalesce(a.off - a.returned, 0)"
        joins.append(
            "LEFT JOIN loyalty_applied a ON a.sale_id = s.id AND a.member_id = s.member_id "
            f"AND a.version_id = ANY ({numbers(ground.own)})"
        )
    else:
        conditions += [fires, f"{points} > 0"]
    needs_member = looked.needs_member or uses(offer.conditions, "birthday_month")
    return f"""{before}tried AS (
    SELECT {", ".join([*COLUMNS, "s.amount", *looked.columns])}, ({points})::bigint AS points,
           coalesce(g.back, 0) AS back, coalesce(g.weight, 0) AS weight, {issued} AS issued, {really} AS really
      {of_sales(joins, conditions, needs_member=needs_member)}
), {after(offer.limits, "given")}"""


def sales(offer: Offer, ground: Ground, bound: Bound) -> str:
    """Sale by sale: its id, what comes off before limits, after limits, net of returns, and what really came off."""
    steps = repriced(offer, ground, bound)
    return f"WITH {steps} SELECT id, points, given, would, issued, really FROM netted ORDER BY id"
