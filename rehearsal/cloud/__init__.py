"""A stand-in for AWS: moto's server, and what it lacks of the services a fleet uses."""
