"""Who of the staff looks after a member; a place becomes vacant when they leave."""
