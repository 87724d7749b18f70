"""What this floor holds about a member: how it is told, and how it is forgotten without a sum being changed."""
