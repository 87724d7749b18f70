"""Tags on members: put on by staff with a reason, for good or until they lapse, and never without a trace."""
