"""What a rule would have given for past sales: the sums of reckoning as one statement, sale by sale the same."""
