"""Members and the identities by which they are found: one person, however the phone was written."""
