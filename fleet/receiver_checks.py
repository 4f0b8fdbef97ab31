"""Whether alerts can reach whoever is stated: one missing Secret leaves every route out."""

from collections.abc import Iterator

from fleet.doctor_checks import Finding
from fleet.session import Session


def receivers(session: Session) -> Iterator[Finding]:
    """Look for each Secret and key that `monitoring.receivers` names; tells no value."""
    config = session.config
    stated = config.monitoring.receivers
    if not config.monitoring.rules or not stated.stated:
        return
    wrong = 0
    for place in stated.secrets:
        there = session.cluster.secret(config.namespace, place.secret)
        if there is not None and there.get(place.key):
            continue
        wrong += 1
        yield Finding(
            f"receivers: Secret {config.namespace}/{place.secret}",
            "it is missing" if there is None else f"it lacks key {place.key}",
            "write it (docs/alerts.md); until then no alert of the stack is sent to anyone",
        )
    if not wrong:
        yield Finding(f"{len(stated.page)} receivers of pages, {len(stated.ticket)} of tickets")
