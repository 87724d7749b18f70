"""Statements that write a sale and its lines at once."""

WRITE_SALE = """
WITH member AS (
    SELECT id FROM members_member WHERE id = %(member)s FOR NO KEY UPDATE
), sale AS (
    INSERT INTO members_sale (member_id, store_id, till_id, receipt, happened_at, currency, amount, discount, tender,
                              channel, attributes)
    SELECT member.id, %(store)s, %(till)s, %(receipt)s, %(happened_at)s, %(currency)s, %(amount)s, %(discount)s,
           %(tender)s, %(channel)s, %(attributes)s FROM member
        ON CONFLICT (member_id, store_id, receipt) DO NOTHING
    RETURNING id, member_id
), lines AS (
    INSERT INTO members_saleline (sale_id, member_id, position, product_id, sku, name, quantity, amount, discount)
    SELECT sale.id, sale.member_id, line.position, product.id, line.sku, line.name, line.quantity, line.amount,
           line.discount
      FROM sale, unnest(%(skus)s::text[], %(names)s::text[], %(quantities)s::int[], %(amounts)s::bigint[],
                        %(discounts)s::bigint[]) WITH ORDINALITY line(sku, name, quantity, amount, discount, position)
      LEFT JOIN members_product product ON product.sku = line.sku
)
SELECT id FROM sale
"""

# Many sales. Those whose receipt is known already write nothing and come back without an id.
WRITE_SALES = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(members)s::bigint[], %(stores)s::bigint[], %(tills)s::bigint[], %(receipts)s::text[],
                         %(moments)s::timestamptz[], %(currencies)s::text[], %(amounts)s::bigint[],
                         %(discounts)s::bigint[], %(tenders)s::text[], %(channels)s::text[], %(attributes)s::jsonb[])
           WITH ORDINALITY s(member, store, till, receipt, happened_at, currency, amount, discount, tender, channel,
                             attributes, place)
), sale AS (
    INSERT INTO members_sale (member_id, store_id, till_id, receipt, happened_at, currency, amount, discount, tender,
                              channel, attributes)
    SELECT member, store, till, receipt, happened_at, currency, amount, discount, tender, channel, attributes
      FROM asked ORDER BY place
        ON CONFLICT (member_id, store_id, receipt) DO NOTHING
    RETURNING id, member_id, store_id, receipt
)
SELECT min(asked.place), sale.id FROM sale
  JOIN asked ON asked.member = sale.member_id AND asked.store = sale.store_id AND asked.receipt = sale.receipt
 GROUP BY sale.id
"""

WRITE_LINES = """
INSERT INTO members_saleline (sale_id, member_id, position, product_id, sku, name, quantity, amount, discount)
SELECT line.sale, line.member, line.position, product.id, line.sku, line.name, line.quantity, line.amount, line.discount
  FROM unnest(%(sales)s::bigint[], %(members)s::bigint[], %(positions)s::int[], %(skus)s::text[], %(names)s::text[],
              %(quantities)s::int[], %(amounts)s::bigint[], %(discounts)s::bigint[])
       line(sale, member, position, sku, name, quantity, amount, discount)
  LEFT JOIN members_product product ON product.sku = line.sku
"""
