"""`fleet diff`: what a change of the stack file does to a fleet, in an operator's words."""
