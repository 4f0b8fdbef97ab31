"""Starts the provider; the engine passes its own address as the last argument."""

from rehearsal.plugins.docker_build_provider.image import DockerBuildCatalogue
from rehearsal.plugins.stand_in.running import run
from rehearsal.plugins.stand_in.servicer import StandIn


class DockerBuildStandIn(StandIn):
    """Images that are checked and named, not built."""

    name = "pulumi-resource-docker-build (stand-in)"
    official = "the official docker-build plugin"


if __name__ == "__main__":
    run(DockerBuildStandIn, DockerBuildCatalogue(), "pulumi_docker_build")
