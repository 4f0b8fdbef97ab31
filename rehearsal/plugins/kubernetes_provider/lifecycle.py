"""Creates, updates, reads and deletes the object of one resource."""

from collections.abc import Callable
from dataclasses import replace

from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.known import InitFailedError, Known, RefusedError
from rehearsal.plugins.kubernetes_provider import state, waiting
from rehearsal.plugins.kubernetes_provider.api import ApiError
from rehearsal.plugins.kubernetes_provider.applying import Applier
from rehearsal.plugins.kubernetes_provider.cluster import Cluster
from rehearsal.plugins.kubernetes_provider.inputs import Inputs
from rehearsal.plugins.kubernetes_provider.objects import (
    DELETION_PROPAGATION,
    SKIP_AWAIT,
    Manifest,
    ObjectName,
    annotations,
    at,
    is_annotated,
    kind_of,
    mapping,
    name_of_id,
    text,
)
from rehearsal.plugins.kubernetes_provider.projection import projected
from rehearsal.plugins.kubernetes_provider.resource import Resource
from rehearsal.plugins.paths import MISSING, parsed, value_at, with_value
from rehearsal.plugins.values import plain, with_secrets_of

PROPAGATION = {"orphan": "Orphan", "background": "Background"}
# Kinds that a skipAwait annotation lets go of at deletion too, as in the official provider.
LET_GO = {"Namespace", "Pod", "Deployment", "StatefulSet", "DaemonSet", "Job"}


class Lifecycle:
    """What a configured provider does for resources; safe to use from many threads."""

    def __init__(self, cluster: Cluster, log: Log) -> None:
        self._cluster = cluster
        self._log = log
        self._applier = Applier(cluster, log)

    def create(self, resource: Resource) -> Known:
        if resource.preview:
            # Forced: an object that a replacement will delete first still owns its fields.
            return self._applier.preview(resource, force=True)
        target = self._applier.target(resource)
        live = self._once_leaving_is_gone(resource, target)
        if not self._cluster.behaviour.upsert and live is not None:
            raise RefusedError(
                f"{target} was not created: it exists already. Delete it, or take it over by "
                "setting kubernetes:upsertExistingObjects to true for one `up`"
            )
        return self._awaited(resource, self._applier.bring_about(resource, "created"), "created")

    def update(self, resource: Resource) -> Known:
        if resource.preview and not resource.is_known:
            return self._applier.preview(resource, force=False)
        target = self._applier.target(resource)
        live = self._cluster.get(target)
        if live is None and not resource.preview:
            raise RefusedError(f"{target} was not updated: it is gone; run `pulumi refresh`")
        resource = replace(resource, inputs=_with_ignored(resource, live or {}))
        if resource.preview:
            return self._applier.preview(resource, force=False)
        return self._awaited(resource, self._applier.bring_about(resource, "updated"), "updated")

    def read(self, resource: Resource, pulumi_id: str) -> Known | None:
        """The object as it is, None if it is gone."""
        old = mapping(plain(resource.old_state))
        kind = kind_of(resource.manifest, kind_of(old, resource.kind))
        live = self._cluster.get(name_of_id(kind, pulumi_id))
        if live is None:
            return None
        if resource.inputs:
            now = projected(resource.manifest, live, kind)
            inputs = with_secrets_of(now, resource.inputs)
        else:
            inputs = state.inputs_of(live)
        return Known(pulumi_id, state.recorded(live, inputs, resource.manager), inputs)

    def delete(self, resource: Resource, pulumi_id: str) -> None:
        """Delete the object and return once it is gone."""
        old = mapping(plain(resource.old_state))
        asked = resource.manifest or dict(mapping(old.get(state.INPUTS)))
        target = name_of_id(kind_of(old, kind_of(asked, resource.kind)), pulumi_id)
        policy = text(annotations(asked).get(DELETION_PROPAGATION)).lower()
        try:
            self._cluster.delete(target, PROPAGATION.get(policy, "Foreground"))
        except ApiError as error:
            raise RefusedError(f"{target} was not deleted: {error}") from error
        if is_annotated(asked, SKIP_AWAIT) and target.kind.name in LET_GO:
            return
        uid = text(at(old, "metadata", "uid"))
        waiting.until_gone(self._wait(resource, target, asked), uid)
        self._log.status(resource.urn, "")

    def _once_leaving_is_gone(self, resource: Resource, target: ObjectName) -> Manifest | None:
        """The object under that name; one being deleted is waited for, as skipAwait did not."""
        live = self._cluster.get(target)
        while live is not None and at(live, "metadata", "deletionTimestamp"):
            wait = self._wait(resource, target, resource.manifest)
            waiting.until_gone(wait, text(at(live, "metadata", "uid")))
            self._log.status(resource.urn, "")
            live = self._cluster.get(target)
        return live

    def _awaited(self, resource: Resource, live: Manifest, done: str) -> Known:
        target = self._applier.target(resource)
        is_ready = waiting.judge(resource.manifest, target)
        reasons: list[str] = []
        if is_ready:
            try:
                wait = self._wait(resource, target, resource.manifest)
                live = waiting.until_ready(wait, is_ready, live)
            except waiting.NotReadyError as error:
                live, reasons = error.live, error.reasons
        self._log.status(resource.urn, "")
        recorded = state.recorded(live, resource.inputs, resource.manager)
        known = Known(target.id, recorded, resource.inputs)
        if reasons:
            reasons[0] = f"{target} was {done}, but it is {reasons[0]}"
            raise InitFailedError(known, reasons)
        return known

    def _wait(self, resource: Resource, target: ObjectName, asked: Manifest) -> waiting.Wait:
        seconds = waiting.timeout_s(resource.timeout_s, asked)
        return waiting.Wait(self._cluster, target, seconds, self._teller(resource.urn))

    def _teller(self, urn: str) -> Callable[[str], None]:
        """Tells each message once, however often it is repeated."""
        told = ""

        def tell(message: str) -> None:
            nonlocal told
            if message != told:
                told = message
                self._log.status(urn, message)

        return tell


def _with_ignored(resource: Resource, live: Manifest) -> Inputs:
    """The inputs with the live value in each ignored field: its owner is not to be contradicted."""
    inputs: object = resource.inputs
    for ignored in resource.ignored:
        path = parsed(ignored)
        value = value_at(live, path)
        if value is not MISSING and value_at(inputs, path) is not MISSING:
            inputs = with_value(inputs, path, value)
    return dict(mapping(inputs))
