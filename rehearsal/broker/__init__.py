"""The broker of the stage: a real Redis or Valkey server behind TLS and AUTH."""
