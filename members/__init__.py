"""Who the members are, and how we may reach them. Knows nobody."""
