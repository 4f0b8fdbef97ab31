"""Stand-ins for Pulumi plugins, each used only where the official plugin is not to be found."""

from rehearsal.plugins.install import install

__all__ = ["install"]
