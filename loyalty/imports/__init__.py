"""Sales from files: checked row by row, taken in once, resumed after a stop."""
