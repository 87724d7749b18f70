"""The programme as a file: written to be read, compared with the one that runs, taken in as a whole or not at all."""
