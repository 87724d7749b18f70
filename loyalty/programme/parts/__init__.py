"""The parts of a programme, one file each: how it stands, and how what a file says of one thing is written."""
