"""A preview's own users on the broker that its base makes: confined, members, told in time."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.previews import up
from fleet.previews.membership import MOST_PREVIEWS, check_room, login_told, membership
from infra import names
from infra.manifests.aws import access_strings
from infra.models.base_contract import BaseContract, base_contract
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit.aws_stage import AwsRecorder, Rendered, changed, opened, rendered, stack, told
from tests.unit.preview_stage import LOCAL, NAME, STAGING, preview

GROUP = "imagineer-staging-users"


class Beside(AwsRecorder):
    """The mock engine of AWS, with a base in its backend."""

    def new_resource(self, args: Any) -> tuple[str | None, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {**outputs, "outputs": {"base": STAGING}}
        return identity, outputs


@pytest.fixture(scope="module")
def guest() -> Rendered:
    return rendered(preview("staging"), Beside())


def contract(**broker: Any) -> BaseContract:
    return base_contract("staging", {**STAGING, "broker": {**STAGING["broker"], **broker}})


def test_its_users_may_what_a_guest_of_its_own_prefix_may(guest: Rendered) -> None:
    config = preview("staging")
    queues = {name: queue.fair for name, queue in config.queues.items()}
    may = access_strings.guest(f"{NAME}:", queues, ["staging:"])

    access = {n: r.inputs["accessString"] for n, r in guest.of("User").items()}
    assert access == {"broker-fleet": may["fleet"], "broker-keda": may["keda"]}
    assert all(f"~{NAME}:*" in words.split() for words in access.values())
    assert "~*" not in " ".join(access.values()).split()


def test_names_are_taken_by_no_other_stack_and_fit(guest: Rendered) -> None:
    users = [each.inputs for each in guest.of("User").values()]

    assert [each["userName"] for each in users] == [each["userId"] for each in users]
    assert not {each["userName"] for each in users} & set(names.CACHE_USERS)
    assert all(each["userId"].startswith(NAME) and len(each["userId"]) <= 40 for each in users)
    assert {each["engine"] for each in users} == {"valkey"}
    assert {each["tags"]["owner"] for each in users} == {"imagineer"}


def test_each_joins_the_bases_group_one_after_the_other(guest: Rendered) -> None:
    joined = guest.of("UserGroupAssociation")

    assert {(n, r.inputs["userGroupId"]) for n, r in joined.items()} == {
        ("broker-fleet", GROUP),
        ("broker-keda", GROUP),
    }
    assert joined["broker-fleet"].urn in guest.before(joined["broker-keda"].urn)
    assert all(guest.of("User")[name].urn in guest.before(r.urn) for name, r in joined.items())
    assert {r.provider.split("::")[-2] for r in guest.aws()} == {"aws"}


def test_pods_are_told_of_a_login_once_it_is_a_member_and_go_before_it_does(
    guest: Rendered,
) -> None:
    joined = guest.of("UserGroupAssociation")

    for secret, user in (("broker", "broker-fleet"), ("broker-keda", "broker-keda")):
        assert joined[user].urn in guest.before(guest.of("Secret")[secret].urn)
    for deployment in guest.of("Deployment").values():
        assert joined["broker-fleet"].urn in guest.before(deployment.urn)
    scaler = guest.of("ScaledObject")["worker-preview"]
    assert joined["broker-keda"].urn in guest.before(scaler.urn)


def test_its_pods_and_keda_log_in_as_its_own_users(guest: Rendered) -> None:
    own = opened(guest.of("Secret")["broker"].inputs["stringData"])
    keda = opened(guest.of("Secret")["broker-keda"].inputs["stringData"])
    references = guest.one("TriggerAuthentication").inputs["spec"]["secretTargetRef"]

    assert own["brokerUrl"] == (
        f"rediss://{NAME}-fleet:drawn-broker-fleet@master.broker.test:6379/0?ssl_cert_reqs=required"
    )
    assert (keda["username"], keda["password"]) == (f"{NAME}-keda", "drawn-broker-keda")
    assert {each["name"] for each in references} == {"broker-keda"}
    assert not any(name.startswith("connection") for name in guest.of("Secret"))


def test_no_drawn_password_is_told_anywhere(guest: Rendered) -> None:
    for resource in guest.resources:
        assert "drawn-" not in json.dumps(told(resource.inputs)), resource.urn


def test_a_base_keeps_members_that_it_did_not_make_and_prod_has_none() -> None:
    staging, prod = stack("staging").one("UserGroup"), stack("prod").one("UserGroup")

    assert (staging.ignored, prod.ignored) == (("userIds",), ())
    assert set(staging.inputs["userIds"]) == set(own_ids("staging"))
    assert opened(stack("prod").outputs["base"])["broker"]["userGroup"] is None


def own_ids(name: str) -> list[str]:
    return [r.inputs["userId"] for r in stack(name).of("User").values()]


def test_another_prefix_of_the_base_changes_rights_and_replaces_nothing() -> None:
    spec = stack("staging").config.broker.model_dump(by_alias=True)
    before = rendered(changed("staging", broker={**spec, "keyPrefix": ""})).one("UserGroup").inputs

    assert stack("staging").one("UserGroup").inputs == before


def test_a_base_without_a_prefix_is_told_how_to_get_one() -> None:
    with pytest.raises(RehearsalError) as refused:
        membership("staging", contract(keyPrefix=""))

    assert "its user may touch every key" in refused.value.why
    assert 'drain its queues, set celery-fleet:broker.keyPrefix in Pulumi.staging.yaml (as "' in (
        refused.value.mend
    )


def test_a_base_whose_group_takes_no_members_is_refused() -> None:
    with pytest.raises(RehearsalError, match="lets in no previews"):
        membership("prod", contract(userGroup=None))


@pytest.mark.parametrize(
    ("own", "host"), [("", "staging:"), ("staging:", "staging:"), ("preview:", "")]
)
def test_a_stack_file_whose_keys_are_not_apart_is_refused(own: str, host: str) -> None:
    raw = preview("staging").model_dump(by_alias=True)
    group = {**raw["broker"]["userGroup"], "keyPrefix": host}

    with pytest.raises(ValueError, match="stacks that share a broker have a prefix each"):
        FleetConfig.model_validate(
            {**raw, "broker": {**raw["broker"], "keyPrefix": own, "userGroup": group}}
        )


def test_a_namespace_that_names_no_user_is_refused() -> None:
    raw = preview("staging").model_dump(by_alias=True)

    with pytest.raises(ValueError, match=r"ElastiCache user name 'preview-.*above the 40"):
        FleetConfig.model_validate({**raw, "namespace": f"preview-{'a' * 30}"})


def test_a_full_group_is_told_before_anything_is_made_and_one_with_room_is_not() -> None:
    check_room("staging", contract(), lambda: MOST_PREVIEWS - 1)

    with pytest.raises(RehearsalError, match="no room for another preview beside staging"):
        check_room("staging", contract(), lambda: MOST_PREVIEWS)
    check_room("local", base_contract("local", LOCAL), lambda: MOST_PREVIEWS)


@pytest.mark.parametrize(("there", "counted"), [(MOST_PREVIEWS - 1, 0), (MOST_PREVIEWS, 2)])
def test_previews_are_asked_for_their_base_only_where_there_might_be_too_many(
    there: int, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Any = SimpleNamespace(previews=lambda: dict.fromkeys(map(str, range(there))))
    beside = [SimpleNamespace(name=each) for each in (NAME, "a", "b")]
    monkeypatch.setattr("fleet.previews.up.records.previews", lambda *_: beside)
    where: Any = None

    assert up._others(where, engine, NAME) == counted


def test_the_group_takes_every_preview_that_is_let_in() -> None:
    users = len(stack("staging").of("User")) + MOST_PREVIEWS * 2

    assert users <= 100 < users + 2


def test_up_says_which_login_it_uses() -> None:
    assert login_told(preview("staging"), "staging") == (
        f"user {NAME}-fleet of its own, which may touch keys under {NAME}: alone"
    )
    assert login_told(preview("local"), "local") == (
        f"login of local; prefix {NAME}: alone parts its keys"
    )


def test_redis_exporter_gets_a_user_only_where_it_runs() -> None:
    raw = preview("staging").model_dump(by_alias=True)
    measured = {**raw["monitoring"], "redisExporter": True}
    found = rendered(FleetConfig.model_validate({**raw, "monitoring": measured}), Beside())

    assert set(found.of("User")) == {"broker-fleet", "broker-keda", "broker-exporter"}
    secret = opened(found.of("Secret")["broker-exporter"].inputs["stringData"])
    assert secret["username"] == f"{NAME}-exporter"
