"""Products and sales exactly as the tills told them: money is whole minor units, and a receipt counts once."""
