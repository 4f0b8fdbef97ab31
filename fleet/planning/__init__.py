"""What a stack file amounts to: bounds, waits and cost of each worker, before anything runs."""
