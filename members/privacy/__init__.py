"""What is held about a member: told, taken along, kept unused, or erased from every table; and who looked at it."""
