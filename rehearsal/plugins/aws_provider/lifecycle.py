"""Makes, reads, changes and ends a resource as its spec says."""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from rehearsal.plugins.aws_provider import calling, tags
from rehearsal.plugins.aws_provider.clients import Clients
from rehearsal.plugins.aws_provider.deed import Deed, filled
from rehearsal.plugins.aws_provider.descriptions import aligned, found_at, in_pulumis_form, told
from rehearsal.plugins.aws_provider.parameters import refusal
from rehearsal.plugins.aws_provider.refusals import asked, is_gone
from rehearsal.plugins.aws_provider.spec import GLOBAL, Call, Spec
from rehearsal.plugins.known import InitFailedError, Known, RefusedError
from rehearsal.plugins.stand_in.differing import changed
from rehearsal.plugins.stand_in.kind import Kind, Properties, Resource
from rehearsal.plugins.stand_in.marking import UNFINISHED, nested
from rehearsal.plugins.stand_in.rules import DEFAULTED

# As the official provider's for most types; `customTimeouts` overrides it.
TIMEOUT_S = 1200.0
POLL_S = 0.3


class AwsKind(Kind):
    """One type of one configured provider."""

    def __init__(self, spec: Spec, clients: Clients, default_tags: Mapping[str, object]) -> None:
        self.spec = spec
        self.token = spec.token
        self.rules = spec.rules
        self.computed = frozenset(spec.outputs) | ({"tagsAll"} if spec.tags else set())
        self._clients = clients
        self._default_tags = default_tags

    def completed(self, inputs: Properties) -> Properties:
        """Add the provider's default tags; the resource's own win."""
        own = inputs.get("tags", {})
        if not self.spec.tags or not self._default_tags or not isinstance(own, dict):
            return inputs
        return inputs | {"tags": {**self._default_tags, **own}}

    def problems(self, inputs: Properties) -> Mapping[str, str]:
        region = inputs.get("region", self._clients.region)
        found = dict(self.spec.problems(inputs)) if self.spec.problems else {}
        if region != self._clients.region:
            found["region"] = f"{region}: this provider serves {self._clients.region} only"
        return found

    def rehearse(self, resource: Resource) -> None:
        if not isinstance(self.spec.create, Call):
            return
        deed, call = self._deed(resource), self.spec.create
        given = calling.parameters(self.spec, call, deed, self.rules.properties)
        wrong = refusal(self._clients.operation(self.spec.service, call.method).input_shape, given)
        if wrong:
            raise RefusedError(f"{self._what(resource)} would be refused: {wrong}")

    def create(self, resource: Resource) -> Known:
        deed = self._deed(resource)
        made = asked(
            f"{self._what(resource)} was not created",
            partial(calling.perform, self.spec, self.spec.create, deed, self.rules.properties),
        )
        deed = deed.of(self._id(made, deed))
        rest = self.rules.properties - calling.taken_at_creation(self.spec, deed)
        return self._brought_about(deed, rest & resource.inputs.keys(), "created")

    def update(self, resource: Resource) -> Known:
        deed = self._deed(resource).of(resource.id)
        differing = changed(self.rules, resource.old_inputs, resource.inputs)
        if UNFINISHED in resource.old_state:
            differing = self.rules.properties
        return self._brought_about(deed, differing, "updated")

    def read(self, resource: Resource) -> Known | None:
        deed = self._deed(resource).of(resource.id)
        what = f"{self._what(resource)} was not read"
        description = asked(what, partial(self._described, deed))
        return None if description is None else asked(what, partial(self._known, deed, description))

    def delete(self, resource: Resource) -> None:
        deed, call = self._deed(resource).of(resource.id), self.spec.delete

        def end() -> None:
            try:
                calling.perform(self.spec, call, deed)
            except Exception as error:
                # What is gone may be something else that it is tied to.
                if not is_gone(error) or self._described(deed) is not None:
                    raise

        what = f"{self._what(resource)} was not deleted"
        asked(what, end)
        if not self.spec.stays:
            asked(what, partial(self._await_end, deed))

    def _brought_about(self, deed: Deed, names: frozenset[str], done: str) -> Known:
        """Set what is left to set; whatever fails now leaves a resource that exists."""
        what = f"{self._what(deed.resource)} was {done}, but not completed"
        try:
            description = asked(what, partial(self._completed, deed, names))
            return asked(what, partial(self._known, deed, description))
        except RefusedError as error:
            inputs = deed.resource.inputs
            state = deed.resource.old_state | inputs
            raise InitFailedError(Known(deed.id, state, inputs), [str(error)]) from error

    def _completed(self, deed: Deed, names: frozenset[str]) -> Properties:
        deed = self._with(deed, self._await_ready(deed))
        for update in self.spec.updates:
            calling.change(self.spec, update, deed, names)
        if "tags" in names:
            tags.retag(self.spec, deed)
        if self.spec.finish:
            self.spec.finish(self._with(deed, self._await_ready(deed)))
        return self._await_ready(deed)

    def _await_ready(self, deed: Deed) -> Properties:
        path, good = self.spec.ready or ("", ())
        deadline = time.monotonic() + (deed.resource.timeout_s or TIMEOUT_S)
        while True:
            description = self._described(deed)
            status = None if description is None else found_at(description, path)
            if description is not None and (not good or status in good):
                return description
            self._pause(deed, deadline, f"its {path or 'existence'} is {status}")

    def _await_end(self, deed: Deed) -> None:
        path, good = self.spec.gone or ("", ())
        deadline = time.monotonic() + (deed.resource.timeout_s or TIMEOUT_S)
        while (description := self._described(deed)) is not None:
            if good and found_at(description, path) in good:
                return
            self._pause(deed, deadline, "it is still there")

    def _pause(self, deed: Deed, deadline: float, told: str) -> None:
        if self._clients.cancelled.wait(POLL_S):
            raise RefusedError(f"{self._what(deed.resource)}: cancelled while {told}")
        if time.monotonic() > deadline:
            raise RefusedError(f"{self._what(deed.resource)}: time is over while {told}")

    def _described(self, deed: Deed) -> Properties | None:
        try:
            found = calling.perform(self.spec, self.spec.read, deed)
        except Exception as error:
            if is_gone(error):
                return None
            raise
        path, good = self.spec.gone or ("", ())
        is_over = isinstance(found, dict) and bool(good) and found_at(found, path) in good
        return found if isinstance(found, dict) and not is_over else None

    def _known(self, deed: Deed, description: Properties) -> Known:
        deed = self._with(deed, description)
        inputs = {
            name: aligned(given, self._told(description, name))
            for name, given in deed.resource.inputs.items()
        }
        for name in self.rules.documents & inputs.keys():
            if self.rules.is_same(name, deed.resource.inputs[name], inputs[name]):
                inputs[name] = deed.resource.inputs[name]
        live = tags.live_tags(self.spec, deed)
        if live or "tags" in inputs:
            inputs["tags"] = live
        more: Properties = {"tagsAll": live} if self.spec.tags else {}
        if self.spec.service not in GLOBAL:
            more["region"] = self._clients.region
        return Known(deed.id, nested(inputs, deed.computed | more), inputs)

    def _told(self, description: Properties, name: str) -> object:
        if name in {"tags", DEFAULTED} | self.rules.silent:
            return None
        where = self.spec.reads.get(name, self.spec.renames.get(name, name))
        return told(description, where)

    def _with(self, deed: Deed, description: Properties) -> Deed:
        """The deed with what AWS tells, and the outputs that follow from it."""
        found = {
            name: filled(source, deed.values)
            if "{" in source
            else in_pulumis_form(found_at(description, source))
            for name, source in self.spec.outputs.items()
        }
        return replace(deed, description=description, computed=found)

    def _id(self, made: object, deed: Deed) -> str:
        if not self.spec.id:
            return str(made)
        if "{" in self.spec.id:
            return str(filled(self.spec.id, deed.values))
        return str(found_at(made, self.spec.id))

    def _deed(self, resource: Resource) -> Deed:
        return Deed(self._clients, self.spec.service, resource)

    def _what(self, resource: Resource) -> str:
        return f"{self.spec.title} {resource.name}"
