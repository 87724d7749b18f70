"""Points given, taken and forgiven by hand: with a reason, within limits, and above them by two people."""
