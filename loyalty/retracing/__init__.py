"""Where a ladder would have put members at past moments, and what its multipliers would have given, as SQL."""
