"""What the engine keeps of an object: the live object, and how it was asked for.

The extra fields are the official provider's own, so a stack can change between it and the stand-in.
"""

import hashlib
from collections.abc import Mapping

from rehearsal.plugins.kubernetes_provider.inputs import (
    Inputs,
    with_secret_data,
    without_read_only,
)
from rehearsal.plugins.kubernetes_provider.objects import (
    PATCH_FIELD_MANAGER,
    Manifest,
    annotations,
    mapping,
    text,
)
from rehearsal.plugins.kubernetes_provider.spelling import for_pulumi
from rehearsal.plugins.values import plain, with_secrets_of

INPUTS = "__inputs"
INITIAL_API_VERSION = "__initialApiVersion"
FIELD_MANAGER = "__fieldManager"
MANAGER_HEX_DIGITS = 8


def recorded(live: Manifest, inputs: Inputs, manager: str) -> Inputs:
    """The state of an object; what was secret in the inputs stays so."""
    outputs = with_secret_data(with_secrets_of(for_pulumi(live), inputs))
    return outputs | {
        INPUTS: inputs,
        INITIAL_API_VERSION: inputs.get("apiVersion", live.get("apiVersion")),
        FIELD_MANAGER: manager,
    }


def previewed(live: Manifest, inputs: Inputs, manager: str) -> Inputs:
    """The state as a dry run foretells it; its status says nothing yet."""
    foretold = {key: value for key, value in live.items() if key != "status"}
    return recorded(foretold, inputs, manager)


def inputs_of(live: Manifest) -> Inputs:
    """Inputs for an object that no program asked for: `import` and `.get` need some."""
    metadata = without_read_only(mapping(live.get("metadata")))
    kept = {key: value for key, value in live.items() if key != "status"}
    return with_secret_data(kept | {"metadata": metadata})


def field_manager(urn: str, inputs: Mapping[str, object], old: Mapping[str, object]) -> str:
    """The owner of the fields, stable over the resource's life: annotated, kept, or by the URN."""
    stated = text(annotations(mapping(plain(inputs))).get(PATCH_FIELD_MANAGER))
    digest = hashlib.sha256(urn.encode()).hexdigest()[:MANAGER_HEX_DIGITS]
    return stated or text(old.get(FIELD_MANAGER)) or f"pulumi-kubernetes-{digest}"
