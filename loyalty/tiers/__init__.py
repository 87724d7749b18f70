"""The ladder of tiers: members rise in the sale that lifts them, and every night judges everybody."""
