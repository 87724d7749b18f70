"""How fair the way up is: how long, and how much spend, it took members to rise to each tier."""
