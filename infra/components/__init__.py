"""Components: each places the resources that the manifests describe, and decides nothing."""
