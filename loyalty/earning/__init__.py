"""Earning rules and what they award: a sale becomes points by the rules of its own moment, with reasons."""
