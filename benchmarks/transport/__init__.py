"""What leases cost or save: the fleet's worker with its own delivery of messages, and kombu's."""
