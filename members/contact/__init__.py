"""How often, when and about what members are written to, as they and the shop wish; service knows no such limits."""
