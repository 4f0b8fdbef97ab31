"""Property values keep their meaning on the way from the engine to Kubernetes and back."""

from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # no types
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.plugins.kubernetes_provider.objects import Kind
from rehearsal.plugins.kubernetes_provider.resource import Resource
from rehearsal.plugins.values import (
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_ON_WIRE,
    Secret,
    Unknown,
    decoded,
    encoded,
    holds,
    plain,
    with_secrets_of,
)

VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | inner.map(Secret)
    ),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_value_that_is_sent_and_received_is_the_same(values: dict[str, object]) -> None:
    assert decoded(encoded(values)) == values


def test_whole_numbers_stay_whole_and_others_keep_their_fraction() -> None:
    struct = Struct()
    struct.update({"replicas": 3.0, "ratio": 0.5, "flag": True, "nothing": None})

    values = decoded(struct)

    assert values == {"replicas": 3, "ratio": 0.5, "flag": True}
    assert isinstance(values["replicas"], int)


def test_the_engines_marks_are_understood() -> None:
    struct = Struct()
    struct.update(
        {"password": {SIGNATURE_KEY: SECRET_SIGNATURE, "value": "x"}, "id": UNKNOWN_ON_WIRE}
    )

    assert decoded(struct) == {"password": Secret("x"), "id": UNKNOWN}


def test_an_unknown_inside_a_secret_is_found() -> None:
    assert holds({"a": [Secret({"b": UNKNOWN})]}, Unknown)
    assert not holds({"a": [Secret("b")]}, Unknown)


def test_an_output_is_secret_where_its_input_is_and_a_list_as_a_whole() -> None:
    inputs = {"spec": {"token": Secret("t"), "args": ["a", Secret("b")], "size": 1}}
    live: dict[str, object] = {"spec": {"token": "t", "args": ["b", "a"], "size": 1, "more": 2}}

    assert with_secrets_of(live, inputs) == {
        "spec": {"token": Secret("t"), "args": Secret(["b", "a"]), "size": 1, "more": 2}
    }
    assert plain(with_secrets_of(live, inputs)) == live


def test_a_secret_does_not_show_itself() -> None:
    assert "hunter2" not in repr({"a": Secret("hunter2")})


def test_a_message_that_quotes_a_secret_is_censored() -> None:
    inputs: dict[str, object] = {"env": [{"value": Secret("hunter2")}], "name": "worker"}
    resource = Resource("urn", Kind("", "v1", "Pod"), inputs)

    assert resource.censored('worker: Invalid value: "hunter2"') == (
        'worker: Invalid value: "[secret]"'
    )
