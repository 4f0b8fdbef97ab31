"""What an AWS account lacks for a stack, found by reading only; and what AWS says, explained."""
