"""The fleet without Kubernetes: the same processes as a compose file, or as systemd units."""
