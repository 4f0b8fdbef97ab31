"""Rules for Celery on Redis and Kubernetes: pure functions, and a thin binding to Pulumi."""
