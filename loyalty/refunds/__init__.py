"""The part of a price that comes back: promotions and points give back their shares, to the last minor unit."""
