"""What Regulars promises, room by room."""
