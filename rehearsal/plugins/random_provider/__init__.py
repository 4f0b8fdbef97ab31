"""A stand-in for pulumi-resource-random: passwords and ids, drawn from the system's own source."""
