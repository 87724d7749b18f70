"""What the shop reads of its members: at a glance, by RFM cell, by cohort, what goes together; doors to portraits."""
