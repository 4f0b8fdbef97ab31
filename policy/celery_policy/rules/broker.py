"""Rules about the broker, on ElastiCache or in a pod."""

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import pairwise

from celery_policy.pods import WORKLOADS, containers, named, pod_spec
from celery_policy.processes import command_words
from celery_policy.resource import Resource
from celery_policy.rule import PRODUCTION, ResourceRule, Setting, Settings
from celery_policy.tree import Node

PARAMETER_GROUP = "aws:elasticache/parameterGroup:ParameterGroup"
REPLICATION_GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_CLUSTER = "aws:elasticache/cluster:Cluster"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
_INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SERVICE = "kubernetes:core/v1:Service"
_FAMILIES = ("redis", "valkey")
_SERVERS = frozenset({"redis-server", "valkey-server"})
_POLICY = "maxmemory-policy"
_WANTED = "noeviction"
_MOST_PORT = 65_535
# RFC 1918, RFC 6598, RFC 4193, loopback and link-local of both families.
_PRIVATE = tuple(
    ip_network(each)
    for each in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "::1/128", "fe80::/10"),
    )
)


def _eviction(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type in WORKLOADS:
        yield from _eviction_in_pods(resource)
    elif resource.type == PARAMETER_GROUP:
        yield from _eviction_in_group(resource.root)
    elif resource.root["engine"].text in {"", *_FAMILIES}:
        group = resource.root["parameterGroupName"]
        # An unknown name is a group's of this stack, which is looked at itself.
        name = group.held if group.held is None or isinstance(group.held, str) else "made here"
        if name is None or name.startswith("default."):
            told = name or "the engine's default"
            yield f"its parameter group is {told}, which evicts (volatile-lru)"


def _eviction_in_group(root: Node) -> Iterator[str]:
    if not root["family"].text.startswith(_FAMILIES):
        return
    stated = {each["name"].text: each["value"] for each in root["parameters"].items()}
    found = stated[_POLICY].text if _POLICY in stated else "volatile-lru, as nothing is stated"
    if found != _WANTED:
        yield f"its {_POLICY} is {found}"


def _eviction_in_pods(resource: Resource) -> Iterator[str]:
    for container in containers(pod_spec(resource)):
        words = command_words(container)
        if not any(word.rsplit("/", 1)[-1] in _SERVERS for word in words):
            continue
        for option, value in pairwise(words):
            if option == f"--{_POLICY}" and value != _WANTED:
                yield f"{named(container)} sets {_POLICY} {value}"


def _tls(resource: Resource, _: Settings) -> Iterator[str]:
    if not resource.root["transitEncryptionEnabled"].is_true:
        yield "transitEncryptionEnabled is not true: passwords and messages cross the network open"
    elif resource.root["transitEncryptionMode"].text == "preferred":
        yield "transitEncryptionMode is preferred: clients without TLS are let in"


def _auth(resource: Resource, _: Settings) -> Iterator[str]:
    # A token that only the update brings is one that is stated.
    root = resource.root
    if root["authToken"].held is None and not root["userGroupIds"].items():
        yield "it has neither userGroupIds nor authToken: whoever reaches it may empty every queue"


def _at_rest(resource: Resource, _: Settings) -> Iterator[str]:
    if not resource.root["atRestEncryptionEnabled"].is_true:
        yield "atRestEncryptionEnabled is not true"


def _multi_az(resource: Resource, _: Settings) -> Iterator[str]:
    root = resource.root
    nodes = root["numCacheClusters"].number or 1 + (root["replicasPerNodeGroup"].number or 0)
    if not root["automaticFailoverEnabled"].is_true or nodes <= 1:
        yield f"it has {nodes:.0f} nodes and no failover: with its zone every queue is away"
    if not root["multiAzEnabled"].is_true:
        yield "multiAzEnabled is not true"


def _snapshots(resource: Resource, settings: Settings) -> Iterator[str]:
    days = resource.root["snapshotRetentionLimit"].number or 0
    if days < settings["minDays"]:
        yield f"it keeps snapshots for {days:.0f} days, below {settings['minDays']:.0f}"
    if resource.root["finalSnapshotIdentifier"].held is None:
        yield "it has no finalSnapshotIdentifier: deleted by mistake, its queues are gone"


def _public(resource: Resource, settings: Settings) -> Iterator[str]:
    ports, root = [int(port) for port in settings["ports"]], resource.root
    if resource.type == SERVICE:
        yield from _public_service(root, ports)
    elif resource.type == SECURITY_GROUP:
        for ingress in root["ingress"].items():
            yield from _public_ingress(ingress, ports)
    elif resource.type == _INGRESS_RULE or root["type"].text == "ingress":
        yield from _public_ingress(root, ports)


def _public_service(spec_of: Node, ports: list[int]) -> Iterator[str]:
    spec = spec_of["spec"]
    if spec["type"].text not in {"LoadBalancer", "NodePort"}:
        return
    for each in spec["ports"].items():
        if each["port"].number in ports:
            yield f"a Service of type {spec['type'].text} publishes port {each['port'].number:.0f}"


def _public_ingress(ingress: Node, ports: list[int]) -> Iterator[str]:
    open_to = [cidr for cidr in _cidrs(ingress) if not _is_private(cidr)]
    if not open_to:
        return
    protocol = ingress["protocol"].text or ingress["ipProtocol"].text
    first, last = ingress["fromPort"].number, ingress["toPort"].number
    is_all = protocol == "-1" or first is None or last is None
    for port in ports:
        if is_all or (first or 0) <= port <= (last or _MOST_PORT):
            yield f"it lets {open_to[0]} reach port {port}"


def _cidrs(ingress: Node) -> list[str]:
    listed = [*ingress["cidrBlocks"].strings(), *ingress["ipv6CidrBlocks"].strings()]
    return [each for each in (*listed, ingress["cidrIpv4"].text, ingress["cidrIpv6"].text) if each]


def _is_private(cidr: str) -> bool:
    # Not `is_private`: of 0.0.0.0/0 that asks the two ends, which are both reserved.
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return False
    same = (each for each in _PRIVATE if each.version == network.version)
    return any(network.subnet_of(each) for each in same)  # type: ignore[arg-type]  # same version


_ELASTICACHE = frozenset({REPLICATION_GROUP})

RULES = (
    ResourceRule(
        "broker-noeviction",
        "A broker evicts nothing.",
        "critical",
        "Set maxmemory-policy noeviction in a parameter group of its own, or on the server's "
        "command line: what another policy evicts are tasks. Exempt a cache that is no broker.",
        types=WORKLOADS | {PARAMETER_GROUP, REPLICATION_GROUP, CACHE_CLUSTER},
        check=_eviction,
    ),
    ResourceRule(
        "broker-tls",
        "A broker takes TLS only.",
        "critical",
        "Set transitEncryptionEnabled, and rediss:// in Celery, KEDA and exporter.",
        types=_ELASTICACHE,
        check=_tls,
    ),
    ResourceRule(
        "broker-auth",
        "A broker asks who comes.",
        "critical",
        "Set userGroupIds with a user for each purpose, or authToken.",
        types=_ELASTICACHE,
        check=_auth,
    ),
    ResourceRule(
        "broker-encrypted-at-rest",
        "A broker's disks and snapshots are encrypted.",
        "high",
        "Set atRestEncryptionEnabled; it takes a new replication group.",
        types=_ELASTICACHE,
        check=_at_rest,
    ),
    ResourceRule(
        "broker-multi-az",
        "In production a broker survives the loss of a zone.",
        "high",
        "Set numCacheClusters to 2 or more, automaticFailoverEnabled and multiAzEnabled.",
        types=_ELASTICACHE,
        check=_multi_az,
        stacks=PRODUCTION,
    ),
    ResourceRule(
        "broker-snapshots",
        "In production a broker is saved every day, and once more before it is deleted.",
        "medium",
        "Set snapshotRetentionLimit and finalSnapshotIdentifier.",
        types=_ELASTICACHE,
        check=_snapshots,
        stacks=PRODUCTION,
        settings={
            "minDays": Setting(
                default=1, schema={"type": "number", "description": "Days kept, at least."}
            )
        },
    ),
    ResourceRule(
        "broker-not-public",
        "No public address reaches a broker's port.",
        "critical",
        "Let in the security group of the workers' nodes, and keep the Service of type ClusterIP.",
        types=frozenset({SECURITY_GROUP, _RULE, _INGRESS_RULE, SERVICE}),
        check=_public,
        settings={
            "ports": Setting(
                default=[6379, 6380],
                schema={
                    "type": "array",
                    "items": {"type": "number"},
                    "description": "Ports of brokers.",
                },
            )
        },
    ),
)
