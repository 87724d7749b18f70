-- One sale of a member's, in their order: what the limits of a rule leave of its points. `state` is what they left of
-- the last sale, when the rule last gave something, and for each limit the period it counts and what it has counted.
CREATE OR REPLACE FUNCTION replay_step(state bigint[], points bigint, at bigint, periods bigint[], mosts bigint[],
                                         are_times boolean[], pause bigint)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    given bigint := points;
    place int;
BEGIN
    IF at - state[2] < pause THEN
        given := 0;
    END IF;
    FOR place IN 1 .. cardinality(periods) LOOP
        IF state[1 + 2 * place] IS DISTINCT FROM periods[place] THEN
            state[1 + 2 * place] := periods[place];
            state[2 + 2 * place] := 0;
        END IF;
        IF NOT are_times[place] THEN
            given := least(given, mosts[place] - state[2 + 2 * place]);
        ELSIF state[2 + 2 * place] >= mosts[place] THEN
            given := 0;
        END IF;
    END LOOP;
    state[1] := given;
    IF given > 0 THEN
        state[2] := at;
        FOR place IN 1 .. cardinality(periods) LOOP
            state[2 + 2 * place] := state[2 + 2 * place] + CASE WHEN are_times[place] THEN 1 ELSE given END;
        END LOOP;
    END IF;
    RETURN state;
END;
$$;
