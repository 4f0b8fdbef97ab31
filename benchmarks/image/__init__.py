"""What the worker image weighs, how soon it works, and how fast, beside a plain Celery app.

`python -m benchmarks.image` takes some eight minutes on two cores. It prints its tables and writes
`benchmarks/results/image.json`, `.md` and `.png`. Rows: throughput by pool, slots and length of
task; push to start of single messages; start of a worker to its first result; memory of idle
workers; and with `--image`, which builds one, the image's layers and a start inside it.
"""
