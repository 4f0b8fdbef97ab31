"""What a killed Pulumi leaves in a state folder besides state: files that it had not finished.

It writes a file of state beside its place first, as `<file>.<number>.tmp`, and removes the stack's
files by their names later, but not these.
"""

from pathlib import Path


def remove_half_written(backend: Path, stack: str) -> None:
    """Remove a stack's unfinished files; nobody may be at work on it."""
    state = backend / ".pulumi"
    for path in state.rglob("*.tmp"):
        of_stack = path.name.startswith(f"{stack}.") or stack in path.relative_to(state).parts[:-1]
        if of_stack and path.is_file():
            path.unlink()
