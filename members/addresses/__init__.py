"""Where members live: from the country to the street, written in the order of the reader's world."""
