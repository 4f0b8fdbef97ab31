"""What a tier changes in the parts of a stack on AWS, and which parts follow from others."""

from collections.abc import Mapping
from typing import Any

from infra.models.queue_class import merged

# By tier, by section, by the section's kind. What is not here is the model's own default, which is
# staging's size.
_SECTIONS: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "prod": {
        # A zone's loss takes no other zone's way out.
        "network": {"new": {"nat": "zone", "flowLogDays": 90}},
        "cluster": {"eks": {"logDays": 90}},
        # The second node takes over within a minute; snapshots are for mistakes, not for failover.
        "broker": {"elasticache": {"nodes": 2, "snapshotDays": 7}},
    }
}
_PROTECTED = frozenset({"prod"})


def with_tier_sections(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The stack file, with sections that follow from others and the tier's defaults below them."""
    tier = str(raw.get("tier"))
    made = raw.get("cluster")
    on_eks = isinstance(made, Mapping) and made.get("kind") == "eks"
    add_on = {"kind": "release" if on_eks else "existing"}
    filled = {"protect": tier in _PROTECTED, "keda": add_on, "monitoring": add_on, **raw}
    for section in ("keda", "monitoring"):
        if isinstance(given := filled[section], Mapping):
            filled[section] = {**add_on, **given}
    if on_eks:
        filled.setdefault("network", {"kind": "new"})
    for section, kinds in _SECTIONS.get(tier, {}).items():
        given = filled.get(section)
        if isinstance(given, Mapping) and str(given.get("kind")) in kinds:
            filled[section] = merged(kinds[str(given["kind"])], given)
    return filled
