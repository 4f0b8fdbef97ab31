"""Starts a provider over a catalogue of types."""

from importlib.metadata import version

from rehearsal.plugins.plugin_calls import engine_address, serve_provider
from rehearsal.plugins.stand_in.kind import Catalogue
from rehearsal.plugins.stand_in.servicer import StandIn


def run(kind: type[StandIn], catalogue: Catalogue, sdk: str) -> None:
    """Serve until the engine is gone; the engine asks for a plugin of the SDK's version."""
    serve_provider(kind(catalogue, engine_address(), version(sdk)))
