"""What the shop owes in points: by month of earning, what of it will be used or lapse, and the accountant's journal."""
