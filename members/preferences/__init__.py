"""The doors to consents: the member's preference centre, links that end messages or prove an address, staff's desk."""
