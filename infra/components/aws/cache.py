"""The broker on ElastiCache: servers, parameters, users, who may connect."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import ComponentResource, CustomTimeouts, Output, ResourceOptions
from pulumi_aws import ec2, elasticache
from pulumi_random import RandomPassword

from infra import names
from infra.components.aws.cache_users import cache_user, drawn_password
from infra.components.aws.placement import Base, CacheLogin, CacheRuntime, Place
from infra.manifests.aws import access_strings
from infra.models.elasticache import PORT, ElastiCacheBroker
from infra.models.tier import TIERS


class Cache(ComponentResource):
    """A replication group with cluster mode disabled, TLS, and users that it makes itself."""

    def __init__(
        self,
        place: Place,
        spec: ElastiCacheBroker,
        base: Base,
        client_groups: list[Output[str]],
    ) -> None:
        super().__init__("celery-fleet:aws:Cache", "cache", None, place.opts)
        self._place, self._spec, self._base = place, spec, base
        self._child = ResourceOptions(parent=self)
        door = self._door(client_groups)
        users = self._users()
        members = self._user_group(users)
        group = self._replication_group(door, members)
        self.runtime = CacheRuntime(
            resource=group,
            host=group.primary_endpoint_address,
            port=group.port.apply(int),
            user_group=members.user_group_id,
            logins={
                "fleet": self._login(users, spec.credentials.active),
                "producer": self._login(users, "producer"),
                "keda": self._login(users, "keda"),
                "exporter": self._login(users, "exporter"),
            },
        )
        self.register_outputs({"id": group.id})

    def _door(self, client_groups: list[Output[str]]) -> ec2.SecurityGroup:
        clients = [*client_groups, *self._spec.client_security_group_ids]
        return ec2.SecurityGroup(
            "broker",
            vpc_id=self._base.network.vpc_id,
            description="The broker, from nodes of workers and KEDA",
            ingress=[
                {
                    "protocol": "tcp",
                    "from_port": PORT,
                    "to_port": PORT,
                    "security_groups": clients,
                    "description": "Valkey or Redis over TLS",
                }
            ],
            opts=self._child,
        )

    def _users(self) -> dict[str, elasticache.User]:
        queues = {name: queue.fair for name, queue in self._place.config.queues.items()}
        may = access_strings.workloads(self._spec.key_prefix, queues)
        numbers = self._spec.credentials
        self._passwords = {
            "blue": self._password("blue", numbers.blue),
            "green": self._password("green", numbers.green),
            "keda": self._password("keda", numbers.keda),
            "exporter": self._password("exporter", numbers.exporter),
            "producer": self._password("producer", numbers.producer),
        }
        return {
            # A user group has to hold one of this name; as it is off, no password opens it.
            "default": self._user("default", access_strings.DISABLED, self._passwords["keda"]),
            "blue": self._user("blue", may["fleet"], self._passwords["blue"]),
            "green": self._user("green", may["fleet"], self._passwords["green"]),
            "keda": self._user("keda", may["keda"], self._passwords["keda"]),
            "exporter": self._user("exporter", may["exporter"], self._passwords["exporter"]),
            "producer": self._user("producer", may["producer"], self._passwords["producer"]),
        }

    def _login(self, users: dict[str, elasticache.User], name: str) -> CacheLogin:
        # The name is that of the user made, so that pods learn of a login only once it is valid.
        return CacheLogin(users[name].user_name, self._passwords[name].result)

    def _password(self, user: str, number: int) -> RandomPassword:
        return drawn_password(user, self, {"number": str(number)})

    def _user(self, name: str, access: str, password: RandomPassword) -> elasticache.User:
        told = names.cache_user(self._place.config.namespace, name), name
        return cache_user(name, told, self._spec.engine, access, password, self)

    def _parameter_group(self, family: str) -> elasticache.ParameterGroup:
        return elasticache.ParameterGroup(
            f"broker-{family}",
            family=family,
            description=f"{self._place.config.namespace}: a broker evicts nothing",
            parameters=[{"name": "maxmemory-policy", "value": self._spec.maxmemory_policy}],
            opts=self._child,
        )

    def _user_group(self, users: dict[str, elasticache.User]) -> elasticache.UserGroup:
        # Previews join it: their members would be taken out by each `up` and seen as drift. What
        # a stack has of its own from its first `up` on is in it; a later one has to be associated.
        hosts = TIERS[self._place.config.tier].hosts
        shared = ResourceOptions(ignore_changes=["userIds"]) if hosts else None
        return elasticache.UserGroup(
            "broker",
            user_group_id=names.cache_user(self._place.config.namespace, "users"),
            engine=self._spec.engine,
            user_ids=[user.user_id for user in users.values()],
            opts=ResourceOptions.merge(self._child, shared),
        )

    def _replication_group(
        self, door: ec2.SecurityGroup, members: elasticache.UserGroup
    ) -> elasticache.ReplicationGroup:
        spec, namespace = self._spec, self._place.config.namespace
        subnets = elasticache.SubnetGroup(
            "broker", subnet_ids=self._base.network.private_subnet_ids, opts=self._child
        )
        # AWS deletes none that is in use, and until the maintenance window the former one is.
        parameters = {family: self._parameter_group(family) for family in spec.parameter_families}
        final = f"{names.replication_group(namespace)}-final"
        return elasticache.ReplicationGroup(
            "broker",
            replication_group_id=names.replication_group(namespace),
            description=f"{namespace}: broker and results of Celery",
            engine=spec.engine,
            engine_version=spec.version,
            node_type=spec.node_type,
            num_cache_clusters=spec.nodes,
            automatic_failover_enabled=spec.failover,
            multi_az_enabled=spec.failover,
            parameter_group_name=parameters[spec.parameter_family].name,
            subnet_group_name=subnets.name,
            security_group_ids=[door.id],
            user_group_ids=[members.user_group_id],
            port=PORT,
            transit_encryption_enabled=True,
            at_rest_encryption_enabled=True,
            kms_key_id=self._base.data_key.arn,
            auto_minor_version_upgrade=True,
            maintenance_window=spec.maintenance_window,
            snapshot_retention_limit=spec.snapshot_days,
            snapshot_window=spec.snapshot_window if spec.snapshot_days else None,
            final_snapshot_identifier=final if spec.snapshot_days else None,
            # Nodes are changed in the window, with a failover each; the stack's owner may ask AWS
            # for it at once.
            apply_immediately=False,
            opts=ResourceOptions.merge(
                self._place.data(self),
                ResourceOptions(
                    depends_on=self._base.network.needs,
                    custom_timeouts=CustomTimeouts(create="1h", update="2h", delete="1h"),
                ),
            ),
        )
