"""What the policy pack adds to the time of a preview."""
