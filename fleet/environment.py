"""The environment in which Pulumi and kubectl work on the rehearsed fleet."""

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet import passphrase
from fleet.project import Project
from rehearsal.toolchain.folders import cache_folders


def variables(
    project: Project, tool_folders: Iterable[Path], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Variables to set on top of the given environment, PATH included.

    Args:
        project: the checkout.
        tool_folders: folders of the tools that are not on PATH by themselves.
        environ: the environment to build upon.

    """
    front = [project.plugins, *tool_folders, Path(sys.prefix) / "bin"]
    return {
        "PATH": search_path(front, environ.get("PATH", os.defpath)),
        "KUBECONFIG": str(project.kubeconfig),
        "PULUMI_BACKEND_URL": project.backend.as_uri(),
        "PULUMI_HOME": str(project.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A plugin that is not on PATH would be looked for on the network.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        **passphrase.variables(project, environ),
    }


def for_shell(project: Project, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for a user's shell; the tools' folder is named, whether built yet or not."""
    return variables(project, [cache_folders(environ).bin], environ)


def search_path(front: Iterable[Path], path: str) -> str:
    """Put folders in front of a PATH, each once, however often it is done."""
    first = list(dict.fromkeys(str(folder) for folder in front))
    rest = [folder for folder in path.split(os.pathsep) if folder and folder not in first]
    return os.pathsep.join([*first, *rest])


def export_lines(variables: Mapping[str, str]) -> str:
    """Shell lines that set the variables: `eval "$(fleet env)"`."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
