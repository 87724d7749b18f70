"""What a promotion would have taken off past sales: the sums of pricing as one statement, sale by sale the same."""
