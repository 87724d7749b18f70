"""Promotions and their versions, what points pay, the form in which marketing says them, and the members' page."""
