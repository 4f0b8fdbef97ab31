"""The real Kubernetes control plane and KEDA: certificates, arguments and first objects."""
