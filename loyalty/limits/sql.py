"""The counters of budgets, as functions in the database: one call takes from every pool that an award falls under.

The functions stand in `functions/`; a migration installs them, and a test finds them unchanged.
"""

from pathlib import Path

NAMES = ("pool_take", "pool_give", "take", "give")  # each after those it calls
FUNCTIONS = tuple((Path(__file__).parent / "functions" / f"{name}.sql").read_text() for name in NAMES)

TAKE = "SELECT limits_take(%s, %s, %s, %s)"
GIVE = "SELECT limits_give(%s, %s, %s)"

# What a budget still has for a store: the least of its pools; no row where it has none.
ROOM = """
SELECT min(room) FROM (
    SELECT sum(s.total - s.used) AS room FROM loyalty_pool p JOIN loyalty_shard s ON s.pool_id = p.id
     WHERE p.budget_id = %s AND (p.store_id IS NULL OR p.store_id = %s) GROUP BY p.id) pools
"""
ROOMS = """
SELECT budget_id, min(room) FROM (
    SELECT p.budget_id, sum(s.total - s.used) AS room FROM loyalty_pool p JOIN loyalty_shard s ON s.pool_id = p.id
     WHERE p.budget_id = ANY (%s::bigint[]) AND (p.store_id IS NULL OR p.store_id = %s) GROUP BY p.id) pools
 GROUP BY budget_id
"""
LOCK_ALL = """
SELECT count(*) FROM (
    SELECT s.id FROM loyalty_pool p JOIN loyalty_shard s ON s.pool_id = p.id
     WHERE p.budget_id = ANY (%s::bigint[]) ORDER BY p.budget_id, p.id, s.slot FOR NO KEY UPDATE OF s) locked
"""
