"""Components on AWS; what they place is described in `infra.manifests.aws`."""
