"""What we tell members: an outbox written with the event itself, sent by workers, never twice by guesswork."""
