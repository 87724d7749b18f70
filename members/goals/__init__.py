"""What the shop wants to reach with its members, by when and who answers for it, and how far it is."""
