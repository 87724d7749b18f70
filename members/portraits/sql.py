"""Set-based statements of portraits: what goods go together, and what a member bought."""

# The newest baskets of the window, no more than %(most)s of them; very large ones are deliveries, not baskets.
PAIRS = """
WITH sale AS MATERIALIZED (
    SELECT id FROM members_sale
     WHERE happened_at >= %(since)s AND happened_at < %(as_of)s AND (returned_amount < amount OR amount = 0)
     ORDER BY happened_at DESC LIMIT %(most)s
), every AS MATERIALIZED (
    SELECT DISTINCT l.sale_id, l.product_id FROM sale JOIN members_saleline l ON l.sale_id = sale.id
     WHERE l.product_id IS NOT NULL AND l.returned_quantity < l.quantity
), line AS MATERIALIZED (
    SELECT sale_id, product_id FROM (SELECT *, count(*) OVER (PARTITION BY sale_id) AS goods FROM every) e
     WHERE goods <= %(largest)s
), whole AS (
    SELECT count(DISTINCT sale_id) AS baskets FROM line
), single AS (
    SELECT product_id, count(*) AS found FROM line GROUP BY product_id
), pair AS (
    SELECT a.product_id, b.product_id AS other_id, count(*) AS together
      FROM line a JOIN line b ON b.sale_id = a.sale_id AND b.product_id <> a.product_id
     GROUP BY 1, 2 HAVING count(*) >= %(least)s
), said AS (
    SELECT pair.*, whole.baskets, one.found AS with_product, two.found AS with_other,
           pair.together::float8 * whole.baskets / (one.found::float8 * two.found) AS lift
      FROM pair CROSS JOIN whole
      JOIN single one ON one.product_id = pair.product_id JOIN single two ON two.product_id = pair.other_id
)
INSERT INTO members_pair (product_id, other_id, baskets, with_product, with_other, together, lift, counted_on)
SELECT product_id, other_id, baskets, with_product, with_other, together, lift, %(day)s::date
  FROM (SELECT *, row_number() OVER (PARTITION BY product_id ORDER BY lift DESC, together DESC, other_id) AS place
          FROM said WHERE lift >= %(least_lift)s) ranked
 WHERE place <= %(places)s
"""

# What one member bought by category, and what all of the shop did, as minor units less what came back.
AFFINITY = """
SELECT p.category, sum(l.amount - l.returned_amount)::bigint, count(DISTINCT s.id)
  FROM members_sale s JOIN members_saleline l ON l.sale_id = s.id JOIN members_product p ON p.id = l.product_id
 WHERE s.member_id = %(member)s AND p.category <> '' AND l.returned_quantity < l.quantity
 GROUP BY 1 ORDER BY 2 DESC, 1
"""

# The member's purchases by month, the last so many months.
MONTHS = """
SELECT date_trunc('month', happened_at AT TIME ZONE %(zone)s)::date, count(*), sum(amount - returned_amount)::bigint
  FROM members_sale
 WHERE member_id = %(member)s AND happened_at >= %(since)s AND (returned_amount < amount OR amount = 0)
 GROUP BY 1 ORDER BY 1
"""

# What goes with what the member bought and they have not bought lately, each with its strongest reason.
NEXT_GOODS = """
WITH bought AS (
    SELECT l.product_id, max(s.happened_at) AS last_at
      FROM members_sale s JOIN members_saleline l ON l.sale_id = s.id
     WHERE s.member_id = %(member)s AND l.product_id IS NOT NULL AND l.returned_quantity < l.quantity
     GROUP BY l.product_id
)
SELECT id FROM (
    SELECT DISTINCT ON (pair.other_id) pair.id, pair.lift, pair.together
      FROM members_pair pair JOIN bought ON bought.product_id = pair.product_id
     WHERE pair.other_id NOT IN (SELECT product_id FROM bought WHERE last_at >= %(lately)s)
     ORDER BY pair.other_id, pair.lift DESC, pair.together DESC) best
 ORDER BY lift DESC, together DESC, id LIMIT %(most)s
"""
