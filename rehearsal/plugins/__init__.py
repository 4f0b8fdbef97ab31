"""Stand-ins for Pulumi plugins, each used only where the official plugin is not to be found."""

from rehearsal.plugins.install import install, install_commands

__all__ = ["install", "install_commands"]
