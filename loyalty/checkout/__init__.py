"""A basket at its price: promotions taken off, points paid with, one body for the quote and for the sale."""
