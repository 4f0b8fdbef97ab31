"""What becomes of messages whose publish was answered when the broker's machine is lost."""
