"""Spending out of a household's points: one's own first, then the others', each by a movement of their own."""
