"""Points that a till sets aside for an open basket, for a while: captured, released, or set free when time is up."""
