"""How often and how much: limits of one member by period, and budgets that concurrent awards cannot overrun."""
