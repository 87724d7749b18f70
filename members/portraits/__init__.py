"""What a member, or a group of them, looks like beside all others; what goes with what they buy."""
