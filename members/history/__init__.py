"""Who changed what of a profile, when and through which door: written by the database, so that no door forgets."""
