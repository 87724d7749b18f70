"""Families: a head, members, invitations; everybody's points stay their own and are drawn on within limits."""
