"""Rules in the making: a form that says a version without code, what it would mean before it stands, a preset."""
