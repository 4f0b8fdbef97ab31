"""What the workflows of CI call: each runs the same by hand, but for where it gets its rights."""
