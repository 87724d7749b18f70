"""One row a member that says what their purchases amount to, and the night that keeps it true, range by range."""
