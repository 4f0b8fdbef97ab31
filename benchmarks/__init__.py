"""Measurements of celery-fleet, each beside others' settings."""
