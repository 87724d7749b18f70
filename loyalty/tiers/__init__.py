"""Ladders and tiers: who stands where and why; members rise in the sale that lifts them."""
