"""How whole and how fresh each profile is, by the weights of the shop; and a word now and then to those it concerns."""
