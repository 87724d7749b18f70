"""The staff's door to imports of sales."""
