"""The pure sums of promotions: what they take off a basket, line by line to the last minor unit, and why not."""
