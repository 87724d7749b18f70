"""What membership earns its members. Knows members."""
