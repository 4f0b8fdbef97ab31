"""What the worker image weighs, how soon it works, and how fast, beside a plain Celery app."""
