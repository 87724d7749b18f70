"""Two members who are one person become one: all goes over, and for 30 days can go back."""
