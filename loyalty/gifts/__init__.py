"""Members give points to each other, within what the programme allows of each kind."""
