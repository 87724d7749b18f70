"""Shops, tills and their API keys, staff roles and which stores each may see: everybody acts within a scope."""
