"""Starts the provider; the engine passes its own address as the last argument."""

from rehearsal.plugins.aws_provider.catalogue import AwsCatalogue
from rehearsal.plugins.stand_in.running import run
from rehearsal.plugins.stand_in.servicer import StandIn


class AwsStandIn(StandIn):
    """Resources of AWS, made in a stand-in for AWS."""

    name = "pulumi-resource-aws (stand-in)"
    official = "the official AWS plugin"


if __name__ == "__main__":
    run(AwsStandIn, AwsCatalogue(), "pulumi_aws")
