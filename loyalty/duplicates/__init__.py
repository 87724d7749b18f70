"""Members who may be one person: found at night and at the desk, with the reasons, merged or told apart for good."""
