"""A stand-in for `pulumi-resource-kubernetes`: server-side apply through the Kubernetes API."""
