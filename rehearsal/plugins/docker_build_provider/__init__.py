"""A stand-in for pulumi-resource-docker-build: checks and records a build, and builds nothing."""
