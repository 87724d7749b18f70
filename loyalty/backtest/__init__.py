"""Rules and promotions in the making, tried on past sales: what they would have given, to whom, at what cost."""
