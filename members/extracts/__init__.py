"""Lists of members as files: with what whoever asked may see, for nobody else, and gone after some days."""
