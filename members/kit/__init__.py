"""Small tools that every room uses: refusals, idempotent answers, id ranges, money, time windows; no shop's words."""
