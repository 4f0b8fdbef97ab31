"""The one Celery code base: workers, beat and the HTTP API run from the same image."""
