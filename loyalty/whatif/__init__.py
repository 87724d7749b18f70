"""Changes of a ladder while it runs: a draft, what it would do to everybody and cost, and how it is published."""
