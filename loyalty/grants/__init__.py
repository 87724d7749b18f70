"""Tiers that are given: by staff with a reason, for money, or for points; and members who never fall."""
