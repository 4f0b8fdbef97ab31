"""Runs one Pulumi program; run by the project's own Python, so only its SDK is imported.

It takes the arguments of the official host's `pulumi-language-python-exec` and, like it, the
configuration from PULUMI_CONFIG and PULUMI_CONFIG_SECRET_KEYS. Its exit code says what the engine
is told: 0 done, 32 the reason is shown already, anything else a failure.
"""

import argparse
import asyncio
import logging
import os
import runpy
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

SHOWN = 32
INTERRUPTED = 130
# Threads per resource operation that may run at once; the official host's factor.
THREADS_PER_OPERATION = 4
PARENT_CHECK_S = 1.0


def main() -> int:
    args = _arguments()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        import pulumi.runtime  # noqa: PLC0415 - the project may lack it, and is then told so
    except ImportError:
        traceback.print_exc()
        sys.stderr.write(
            f"The Pulumi SDK is not installed for {sys.executable}: install the project's "
            "requirements into it.\n"
        )
        return 1
    pulumi.runtime.set_all_config(
        pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env()
    )
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=args.project,
            stack=args.stack,
            parallel=args.parallel,
            dry_run=args.dry_run == "true",
            monitor=args.monitor or None,
            engine=args.engine or None,
            organization=args.organization,
            root_directory=args.root_directory,
        )
    )
    sys.argv = [args.program, *args.args]
    if args.pwd:
        os.chdir(args.pwd)
    return _run(Path(args.program).absolute(), max(args.parallel, 1) * THREADS_PER_OPERATION)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("monitor", "engine", "project", "root_directory", "stack", "pwd", "organization"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--dry_run", default="false")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("program")
    parser.add_argument("args", nargs="*")
    return parser.parse_args()


def _run(program: Path, threads: int) -> int:
    import pulumi  # noqa: PLC0415 - known to be there by now

    if program.is_dir() and not (program / "__main__.py").is_file():
        pulumi.log.error(f"unable to find main python program `__main__.py` in `{program}`")
        return SHOWN
    # Resources that depend on a failed one never resolve; asyncio would report each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(threads)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a program raises is shown, not handled
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_trace(error, program)}")
        return SHOWN
    finally:
        executor.shutdown(wait=False)
        loop.close()
    return 0


def _execute(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _trace(error: Exception, program: Path) -> str:
    """The traceback from the program's first line on; the lines above are not its author's."""
    home = program if program.is_dir() else program.parent
    first: TracebackType | None = error.__traceback__
    while first and not _is_below(first.tb_frame.f_code.co_filename, home):
        first = first.tb_next
    return "".join(traceback.format_exception(type(error), error, first or error.__traceback__))


def _is_below(file: str, folder: Path) -> bool:
    # Frames of no file are called `<frozen runpy>` and the like.
    return not file.startswith("<") and Path(file).absolute().is_relative_to(folder)


def _end_with_parent(parent: int) -> None:
    """A killed host cannot stop its program; the program looks for itself."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


if __name__ == "__main__":
    # This file's folder would otherwise come first when the program imports its own modules.
    sys.path[:] = [folder for folder in sys.path if folder != str(Path(__file__).parent)]
    try:
        code = main()
    except KeyboardInterrupt:
        # Not sys.exit: it would wait for calls that the engine answers no more.
        os._exit(INTERRUPTED)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
