-- Over a member's sales as a window: what the limits of a rule leave of each, first in the array.
CREATE AGGREGATE replay_limit(bigint, bigint, bigint[], bigint[], boolean[], bigint) (
    SFUNC = replay_step, STYPE = bigint[], INITCOND = '{}'
);
