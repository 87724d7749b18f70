"""What each tier gives, and each member's own plan: what is held until when, what is missing to keep it and to rise."""
