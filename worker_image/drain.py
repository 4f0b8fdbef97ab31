"""What a worker that drains waits for in vain."""

from billiard import pool

_EXIT_WAIT_S = 3.0


def connect() -> None:
    """Let a process of the pool end soon, though its last result is never asked for.

    A worker told to stop forgets a task that it had handed over a moment before; its process runs
    it and then waits 30 s for its result to be taken (billiard 4.3, no setting), and with it the
    pod. The message goes back to its queue either way, and its task is not run again.
    """
    tries = _EXIT_WAIT_S / pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = round(tries)
