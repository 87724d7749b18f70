"""Points and budgets that tills set aside for open baskets, for a while: used, released, or free when time is up."""
