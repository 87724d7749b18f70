"""The night of the ladders: everybody is judged set-based, keeps, rises or falls, and is warned before a fall."""
