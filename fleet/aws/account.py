"""The operator's AWS account: whose it is, and a client for each service, with short waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import UnknownRegionError

# Seconds; a preflight is to answer, not to wait.
_CONNECT_S = 4
_READ_S = 10
_TRIES = 2
_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
# Where an account can be asked about a region that is itself switched off or misspelt.
_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class Identity(NamedTuple):
    """Who asks."""

    account: str
    arn: str
    asked_at: str | None
    """The endpoint, where it is not one of AWS."""


@dataclass(frozen=True, eq=False)
class Account:
    """The credentials of the environment, in one region; nothing is asked until a reader does."""

    region: str
    session: boto3.Session = field(repr=False)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, *, at_home: bool = False) -> Any:  # noqa: ANN401 - boto3's
        """A client of the stack's region, or of the one that is on in every account."""
        region = self.home if at_home else self.region
        if (service, region) not in self._clients:
            self._clients[service, region] = self.session.client(
                service, region_name=region, config=_SETTINGS
            )
        return self._clients[service, region]

    @property
    def home(self) -> str:
        try:
            partition = self.session.get_partition_for_region(self.region)
        except UnknownRegionError:
            partition = "aws"
        return _HOMES.get(partition, self.region)


_SETTINGS = Config(
    connect_timeout=_CONNECT_S,
    read_timeout=_READ_S,
    retries={"total_max_attempts": _TRIES, "mode": "standard"},
)


def connect(region: str) -> Account:
    """Use the credentials that the AWS SDK finds.

    Raises:
        BotoCoreError: where the profile or the configuration file is wrong.

    """
    return Account(region, boto3.Session())


def identity(account: Account) -> Identity:
    """Ask STS, at home, who the credentials belong to."""
    client = account.client("sts", at_home=True)
    answer = client.get_caller_identity()
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    elsewhere = None if host.endswith(_DOMAINS) else host
    return Identity(answer["Account"], answer["Arn"], elsewhere)


def regions(account: Account) -> Mapping[str, bool]:
    """All regions of the partition, and whether each is switched on in this account."""
    answer = account.client("ec2", at_home=True).describe_regions(AllRegions=True)
    return {each["RegionName"]: each["OptInStatus"] != "not-opted-in" for each in answer["Regions"]}
