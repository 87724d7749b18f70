"""What members allow: consent by purpose and channel, with proof of every change; a member's own no stands."""
