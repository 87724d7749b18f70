"""Sign-in: a code of six digits proves an address once, within ten minutes, and tells nobody who is a member."""
