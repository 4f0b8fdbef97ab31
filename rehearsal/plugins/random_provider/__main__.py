"""Starts the provider; the engine passes its own address as the last argument."""

from rehearsal.plugins.random_provider.drawn import RandomCatalogue
from rehearsal.plugins.stand_in.running import run
from rehearsal.plugins.stand_in.servicer import StandIn


class RandomStandIn(StandIn):
    """Random values that the state keeps."""

    name = "pulumi-resource-random (stand-in)"
    official = "the official random plugin"


if __name__ == "__main__":
    run(RandomStandIn, RandomCatalogue(), "pulumi_random")
