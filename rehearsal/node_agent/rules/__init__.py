"""The node agent's decisions, all pure; the kubelet's own rules where it has one."""
