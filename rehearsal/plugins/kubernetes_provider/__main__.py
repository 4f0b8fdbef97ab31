"""Starts the provider; the engine asks for a plugin of the SDK's version, so it bears that one."""

from importlib.metadata import version

from rehearsal.plugins.kubernetes_provider.provider import KubernetesProvider
from rehearsal.plugins.plugin_calls import engine_address, serve_provider

if __name__ == "__main__":
    serve_provider(KubernetesProvider(engine_address(), version("pulumi_kubernetes")))
