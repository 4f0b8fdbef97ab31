"""Runs a command in an image's files as a container would: read-only root, own PIDs, no rights.

A stand-in for a container runtime: the network, the memory and the CPUs are the machine's.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

USER = 10001
"""The image's numeric user and group."""
DATA_DIR = "/var/lib/fleet"

# `--bind` and a second mount: a bind mount takes its own `ro` only when it is mounted again.
_SCRIPT = """
set -e
mount --bind {root} {root}
mount -o remount,bind,ro,nosuid {root}
mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
mount -t proc proc {root}/proc
mount -t tmpfs -o mode=755 tmpfs {root}/dev
for device in null zero random urandom; do
    touch {root}/dev/$device
    mount --bind /dev/$device {root}/dev/$device
done
mkdir {root}/dev/shm
mount -t tmpfs -o mode=1777 tmpfs {root}/dev/shm
mount --bind {data} {root}{data_dir}
exec chroot {root} setpriv --reuid={user} --regid={user} --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all env --ignore-environment {command}
"""


def contained(
    root: Path, data: Path, command: Sequence[str], env: Mapping[str, str], workdir: str
) -> list[str]:
    """Return the command line, for root, that runs a command in an image's files.

    Args:
        root: the image's files; nothing in them is changed.
        data: a folder that the image's user owns; it appears at DATA_DIR.
        command: the image's entry point and its arguments; it is process 1.
        env: the whole environment.
        workdir: the image's working directory.

    """
    variables = [f"{name}={value}" for name, value in env.items()]
    inside = ["--chdir", workdir, *variables, *command]
    script = _SCRIPT.format(
        root=shlex.quote(str(root)),
        data=shlex.quote(str(data)),
        data_dir=DATA_DIR,
        user=USER,
        command=shlex.join(inside),
    )
    return ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "sh", "-c", script]
