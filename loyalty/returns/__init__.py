"""Goods that come back: points follow line by line, in the proportion in which they were awarded, after a preview."""
