"""What looks odd: views for whoever minds the shop, with their thresholds in one row; further views register here."""
