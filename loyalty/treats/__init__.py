"""What tiers give on joining, each month and for a birthday: due once, points at once, things until their last day."""
