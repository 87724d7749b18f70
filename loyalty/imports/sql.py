"""Statements of imports."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

# Who was enrolled by an import joined at their first sale, also when a later file tells of an earlier one.
ENROL_EARLIER = """
UPDATE members_member m SET enrolled_at = t.first
  FROM unnest(%s::bigint[], %s::timestamptz[]) t(member, first)
 WHERE m.id = t.member AND m.source = 'import' AND m.enrolled_at > t.first
"""


# Plans made while the tables were empty read them whole, chunk after chunk; fresh statistics end that.
LOOK_AGAIN = """
ANALYZE members_member, members_identity, members_sale, loyalty_account, loyalty_movement, loyalty_lot, loyalty_standing
"""


def look_again() -> None:
    """Let the planner know how large the tables have become."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK_AGAIN)


def enrol_earlier(firsts: Mapping[int, datetime]) -> None:
    """Move the enrolment of imported members back to their first sale."""
    with connection.cursor() as cursor:
        cursor.execute(ENROL_EARLIER, (list(firsts), list(firsts.values())))
