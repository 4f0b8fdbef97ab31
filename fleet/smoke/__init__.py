"""`fleet smoke`: a probe through every queue of a running stack, and whether it came in time."""
