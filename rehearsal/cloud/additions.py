"""Adds to moto what it lacks, once, before its server makes its routes."""

from collections.abc import Callable, Mapping
from typing import Any

from moto.budgets.responses import BudgetsResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.ec2.responses import EC2Response
from moto.efs.responses import EFSResponse
from moto.eks import urls as eks_urls
from moto.eks.responses import EKSResponse
from moto.elasticache.responses import ElastiCacheResponse
from moto.logs.responses import LogsResponse

from rehearsal.cloud import (
    cache_users,
    eks,
    eks_access,
    eks_node_groups,
    elasticache,
    others,
    replication_groups,
    tagging,
)
from rehearsal.cloud.calls import FAULTS, Handler, added

# Every path below these; the model tells the calls apart.
EKS_PATHS = (r"{0}/clusters/(?P<name>[^/]+)/(?P<rest>.+)$",)
ADDED: tuple[tuple[type[BaseResponse], Mapping[str, Handler]], ...] = (
    (
        EKSResponse,
        {**eks.HANDLERS, **eks_access.HANDLERS, **eks_node_groups.HANDLERS, **tagging.EKS},
    ),
    (
        ElastiCacheResponse,
        {
            **elasticache.HANDLERS,
            **cache_users.HANDLERS,
            **replication_groups.HANDLERS,
            **tagging.ELASTICACHE,
        },
    ),
    (EC2Response, others.EC2),
    (EFSResponse, others.EFS),
    (BudgetsResponse, others.BUDGETS),
    (LogsResponse, others.LOGS),
)


def add() -> None:
    """Add every handler, and a place where errors can be injected; once a process."""
    if EKS_PATHS[0] in eks_urls.url_paths:
        return
    for response, handlers in ADDED:
        for name, handler in handlers.items():
            setattr(response, name, added(handler))
    eks_urls.url_paths |= dict.fromkeys(EKS_PATHS, EKSResponse.dispatch)
    BaseResponse.call_action = _with_faults(BaseResponse.call_action)


def _with_faults(answer: Callable[[BaseResponse], Any]) -> Callable[[BaseResponse], Any]:
    def call_action(response: BaseResponse) -> Any:  # noqa: ANN401 - moto's own type of answers
        try:
            FAULTS.strike(response._get_action())  # noqa: SLF001 - moto offers no public one
        except ServiceException as error:
            return response.serialized(ActionResult(error))
        return answer(response)

    return call_action
