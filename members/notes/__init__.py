"""What staff write down about a member for each other, and tasks with a day; nothing is lost, each can be withdrawn."""
