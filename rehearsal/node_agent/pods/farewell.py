"""Confirms to the API server that a pod has ended, which is what makes its object go."""

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiRefusedError
from rehearsal.node_agent.api.retry import until_answered
from rehearsal.node_agent.model.base import Metadata


async def confirm_deletion(api: ApiClient, meta: Metadata) -> None:
    """Delete the object now; it is fine if it is gone, or another of its name is there."""
    path = f"/api/v1/namespaces/{meta.namespace}/pods/{meta.name}"
    body = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta.uid}}
    try:
        await until_answered(lambda: api.delete(path, body))
    except ApiRefusedError as error:
        if not (error.not_found or error.conflict):
            raise


async def ask_deletion(api: ApiClient, meta: Metadata) -> None:
    """Have the pod end with its own grace, as an eviction would."""
    path = f"/api/v1/namespaces/{meta.namespace}/pods/{meta.name}"
    try:
        await until_answered(lambda: api.delete(path, {"preconditions": {"uid": meta.uid}}))
    except ApiRefusedError as error:
        if not (error.not_found or error.conflict):
            raise
