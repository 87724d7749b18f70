"""Many sales at once, set-based, by the very rules of one: what a bulk request and an import come down to."""
