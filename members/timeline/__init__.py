"""One list of everything that happened with a member; rooms register what they show in it."""
