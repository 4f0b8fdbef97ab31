"""Sends a resource's manifest to the cluster, as a dry run or in earnest."""

import re
from dataclasses import replace

from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.known import Known, RefusedError
from rehearsal.plugins.kubernetes_provider import state
from rehearsal.plugins.kubernetes_provider.api import Answer, ApiError
from rehearsal.plugins.kubernetes_provider.cluster import Apply, Cluster, UnknownKindError
from rehearsal.plugins.kubernetes_provider.objects import (
    PATCH_FORCE,
    Manifest,
    ObjectName,
    is_annotated,
    mapping,
    name_of,
)
from rehearsal.plugins.kubernetes_provider.resource import Resource

# As the official provider: five more attempts, for a namespace or a kind that is still to come.
RETRY_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
# The official provider takes fields over from a person's kubectl and from its own older versions
# (which did not apply but update), never from a controller.
YIELDING = re.compile(
    r'conflict with "(kubectl|before-first-apply|pulumi-kubernetes"|pulumi-resource-kubernetes")'
)


class Applier:
    """Server-side apply for resources; safe to use from many threads."""

    def __init__(self, cluster: Cluster, log: Log) -> None:
        self._cluster = cluster
        self._log = log

    def target(self, resource: Resource) -> ObjectName:
        """The object a resource stands for; of a cluster-scoped kind, without a namespace."""
        target = name_of(resource.manifest, resource.kind)
        is_namespaced = self._cluster.is_namespaced(target.kind)
        return target if is_namespaced else replace(target, namespace="")

    def preview(self, resource: Resource, *, force: bool) -> Known:
        """What a dry run says; the inputs themselves where none can be made yet."""
        as_asked = Known("", resource.inputs, resource.inputs)
        if not resource.is_known:
            return as_asked
        target = self.target(resource)
        if not self._cluster.knows(target.kind):
            told = f"not checked: the API server serves no {target.kind} yet"
            self._log.status(resource.urn, told)
            return as_asked
        try:
            answer = self._apply(resource, target, force=force)
        except ApiError as error:
            if self._is_of_no_account(resource, error):
                return as_asked
            told = resource.censored(told_of(error))
            raise RefusedError(f"{target} would be refused: {told}") from error
        self._warn(resource, answer)
        return Known(
            "", state.previewed(answer.body, resource.inputs, resource.manager), resource.inputs
        )

    def bring_about(self, resource: Resource, done: str) -> Manifest:
        """Apply in earnest, again while the namespace or the kind is still to come.

        Args:
            resource: what to apply.
            done: what is being done to it, for messages: created, updated.

        Returns:
            The object as the API server keeps it.

        """
        target = self.target(resource)
        for pause_s in (*RETRY_PAUSES_S, 0):
            try:
                answer = self._apply(resource, target, force=False)
            except (ApiError, UnknownKindError) as error:
                told = resource.censored(told_of(error))
                if pause_s == 0 or not _may_pass(error) or self._cluster.cancelled.is_set():
                    raise RefusedError(f"{target} was not {done}: {told}") from error
                self._log.status(resource.urn, f"trying again in {pause_s:g} s: {told}")
                self._cluster.cancelled.wait(pause_s)
            else:
                self._warn(resource, answer)
                return answer.body
            target = self.target(resource)
        raise AssertionError("the last attempt returns or raises")

    def _apply(self, resource: Resource, target: ObjectName, *, force: bool) -> Answer:
        manifest = resource.manifest
        if not target.namespace:
            metadata = mapping(manifest.get("metadata"))
            manifest["metadata"] = {k: v for k, v in metadata.items() if k != "namespace"}
        force = force or self._cluster.behaviour.force or is_annotated(manifest, PATCH_FORCE)
        how = Apply(resource.manager, force, resource.preview)
        try:
            return self._cluster.apply(target, manifest, how)
        except ApiError as error:
            if not error.managers or not all(YIELDING.match(told) for told in error.managers):
                raise
        return self._cluster.apply(target, manifest, replace(how, force=True))

    def _is_of_no_account(self, resource: Resource, error: ApiError) -> bool:
        """Whether a dry run failed only because it is one."""
        if error.reason == "Forbidden":
            self._log.warning(resource.urn, resource.censored(f"not checked: {error}"))
            return True
        # The namespace comes with this very `up`; the old object goes before the new one comes.
        return error.is_missing or "field is immutable" in error.message

    def _warn(self, resource: Resource, answer: Answer) -> None:
        for warning in answer.warnings:
            self._log.warning(resource.urn, resource.censored(warning))


def told_of(error: Exception) -> str:
    """The API server's words, and what to do about a conflict."""
    if not isinstance(error, ApiError) or not error.managers:
        return str(error)
    return (
        f"{error}\nAnother owner set these fields. Leave them out of the program, or take them "
        f'over with the annotation {PATCH_FORCE}: "true"'
    )


def _may_pass(error: Exception) -> bool:
    return isinstance(error, UnknownKindError) or (isinstance(error, ApiError) and error.is_missing)
