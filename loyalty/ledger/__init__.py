"""Every way that points move: immutable movements, lots that expire, balances that can be proved."""
