"""Members from files: columns named once, rows tried before they are taken, nobody enrolled twice."""
