"""Earning rules as staff say them: every change is a new version, checked first, with a linter for them all."""
