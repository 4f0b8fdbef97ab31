"""The stage: runs any stack whole on one machine, without a cloud or a container engine."""
