"""What happens here, told to other systems over HTTPS: signed, until they have it, and never to addresses inside."""
