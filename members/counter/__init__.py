"""What a clerk should know about the member in front of them: who, what matters now, and one thing to say."""
