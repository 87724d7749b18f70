"""Segments of members: trees over traits, said in words, asked in one query; who is in them since when, and why."""
