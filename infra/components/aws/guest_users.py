"""A guest's own users on the broker of another stack."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import ComponentResource, Output, Resource, ResourceOptions
from pulumi_aws import elasticache

from infra import names
from infra.components.aws.cache_users import cache_user, drawn_password
from infra.components.aws.placement import CacheAccess, CacheLogin, Place
from infra.manifests.aws import access_strings
from infra.manifests.aws.access_strings import Workload
from infra.models.guest_broker import GuestBroker


class GuestUsers(ComponentResource):
    """Users for the fleet and for KEDA, and for redis_exporter if there is one, in a host's group.

    A password lasts as long as its preview: taking that down and bringing it up draws another.
    """

    def __init__(self, place: Place, spec: GuestBroker) -> None:
        super().__init__("celery-fleet:aws:GuestUsers", "guest-users", None, place.opts)
        self._place, self._spec = place, spec
        queues = {name: queue.fair for name, queue in place.config.queues.items()}
        may = access_strings.guest(spec.key_prefix, queues, [spec.user_group.key_prefix])
        logins: dict[Workload, CacheLogin] = {}
        before: list[Resource] = []
        for workload in _workloads(place):
            joined, logins[workload] = self._member(workload, may[workload], before)
            # ElastiCache changes a group once at a time (InvalidUserGroupState).
            before = [joined]
        host, port = Output.from_input(spec.host), Output.from_input(spec.port)
        self.access = CacheAccess(host, port, logins)
        self.register_outputs({"workloads": list(logins)})

    def _member(
        self, workload: Workload, access: str, before: list[Resource]
    ) -> tuple[elasticache.UserGroupAssociation, CacheLogin]:
        group = self._spec.user_group
        password = drawn_password(workload, self)
        # The group's names are shared by all of its stacks: the id is one that no other has.
        own = names.cache_user(self._place.config.namespace, workload)
        user = cache_user(workload, (own, own), group.engine, access, password, self)
        joined = elasticache.UserGroupAssociation(
            f"broker-{workload}",
            user_group_id=group.id,
            user_id=user.user_id,
            opts=ResourceOptions(parent=self, depends_on=before),
        )
        # Known once it is a member, so that no pod is told of a login before it is valid.
        return joined, CacheLogin(joined.user_id, password.result)


def _workloads(place: Place) -> tuple[Workload, ...]:
    measured = place.config.monitoring.redis_exporter
    return ("fleet", "keda", "exporter") if measured else ("fleet", "keda")
