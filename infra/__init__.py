"""The Pulumi program: one map of queues in, a whole Celery fleet out."""
