"""The pure sums of what members will buy and are worth: BG/NBD and Gamma-Gamma, fitted and asked."""
