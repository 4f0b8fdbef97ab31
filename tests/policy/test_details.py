"""What the rules decide beyond the first way to break each."""

import json

import pytest

from celery_policy.rule import PRODUCTION, THROWAWAY, Rule
from tests.policy.celery_stack import PREVIEW, Parts, as_stack, gpu_parts, meta, parts, put
from tests.policy.celery_stack import PRODUCTION as PROD
from tests.policy.test_every_rule import BY_NAME, findings

POD = "mailer/spec/template/spec"
MAIN = f"{POD}/containers/0"
COMMAND = ["celery", "-A", "shop", "worker", "-Q", "mail,news"]


def texts(rule: str, given: Parts, stack: str = PROD, **settings: object) -> list[str]:
    return [each.text for each in findings(BY_NAME[rule], as_stack(given, stack), settings)]


def changed(path: str, value: object, stack: str = PROD) -> Parts:
    given = parts(stack)
    put(given, path, value)
    return given


def test_a_worker_without_a_hard_limit_is_refused_unless_the_rule_is_told_one() -> None:
    given = changed(f"{MAIN}/command", COMMAND)

    assert "has no --time-limit" in texts("grace-exceeds-hard-limit", given)[0]
    assert texts("grace-exceeds-hard-limit", given, hardLimitSeconds=300) == []
    assert texts("grace-exceeds-hard-limit", given, hardLimitSeconds=330) != []


def test_a_pod_that_states_no_grace_has_kubernetes_own() -> None:
    found = texts("grace-exceeds-hard-limit", changed(f"{POD}/terminationGracePeriodSeconds", None))

    assert found[0].startswith("terminationGracePeriodSeconds is 30, not above")


@pytest.mark.parametrize(("visible_s", "is_kept"), [(630, False), (631, True)])
def test_the_visibility_timeout_is_read_where_airflow_states_it(
    visible_s: int, *, is_kept: bool
) -> None:
    name = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
    given = changed(f"{MAIN}/env/0", {"name": name, "value": str(visible_s)})

    assert (texts("limits-within-visibility-timeout", given) == []) is is_kept


def test_the_rules_own_visibility_timeout_comes_before_kombus() -> None:
    found = texts("limits-within-visibility-timeout", parts(), visibilityTimeoutSeconds=400)

    assert len(found) == 2
    assert "timeout of 400 s" in found[0]


def test_a_queue_that_no_trigger_counts_is_told() -> None:
    found = texts("scaler-counts-own-queues", changed(f"{MAIN}/command/5", "mail,news,late"))

    assert found == ["its worker consumes 'late', and no trigger counts that"]


def test_a_key_prefix_before_every_list_is_taken_off() -> None:
    given = parts()
    for name in ("mailer", "render"):
        for trigger in given[f"{name}-scaler"][1]["spec"]["triggers"]:
            trigger["metadata"]["listName"] = f"blue:{trigger['metadata']['listName']}"

    assert texts("scaler-counts-own-queues", given) != []
    assert texts("scaler-counts-own-queues", given, keyPrefix="blue:") == []


def test_kombus_shared_in_flight_hash_is_refused_where_two_scalers_count_it() -> None:
    given = parts()
    for name, trigger in (("mailer", 3), ("render", 2)):
        put(given, f"{name}-scaler/spec/triggers/{trigger}/metadata/listName", "unacked")

    assert len(texts("in-flight-key-is-own", given)) == 2


def test_a_login_in_an_address_is_a_password() -> None:
    path = "mailer-scaler/spec/triggers/0/metadata/address"

    assert texts("trigger-without-password", changed(path, "redis://u:secret@broker:6379"))
    assert texts("trigger-without-password", changed(path, "broker:6379")) == []


def test_a_toleration_of_gpus_without_a_gpu_is_refused() -> None:
    tolerations = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    found = texts("gpu-placement", changed(f"{POD}/tolerations", tolerations))

    assert found == [
        "it tolerates the taint nvidia.com/gpu and limits no GPU: it would hold a GPU's node"
    ]


def test_beats_are_counted_by_app_and_namespace() -> None:
    given = parts()
    given["second"] = (given["beat"][0], {**given["beat"][1], "metadata": meta("second")})
    other = json.loads(json.dumps(given["second"][1]))
    other["spec"]["template"]["spec"]["containers"][0]["command"][1] = "--app=other"

    assert texts("one-beat", given) == ["it is one of 2 beats of one app"] * 2
    given["second"] = (given["second"][0], other)
    assert texts("one-beat", given) == []


def test_a_beat_must_not_be_doubled_by_a_rollout_a_scaler_or_a_worker() -> None:
    rolling = changed("beat/spec/strategy/type", "RollingUpdate")
    embedded = changed(f"{MAIN}/command", [*COMMAND, "-B"])
    scaled = changed("mailer-scaler/spec/scaleTargetRef/name", "beat")

    assert "two of it run side by side" in texts("one-beat", rolling)[0]
    assert "embeds beat" in texts("one-beat", embedded)[0]
    assert texts("one-beat", scaled) == ["a ScaledObject scales it"]


def test_a_beat_is_asked_for_only_where_the_rule_is_told_so() -> None:
    given = parts()
    del given["beat"]

    assert texts("one-beat", given) == []
    assert texts("one-beat", given, required=True) == ["no workload runs `celery beat`"]


@pytest.mark.parametrize(
    ("minimum", "available", "is_kept"), [(0, 1, False), (3, 1, True), (3, "100%", False)]
)
def test_a_budget_must_leave_one_pod_to_take_at_rest(
    minimum: int, available: object, *, is_kept: bool
) -> None:
    given = changed("mailer-scaler/spec/minReplicaCount", minimum)
    put(given, "mailer-budget/spec/maxUnavailable", None)
    put(given, "mailer-budget/spec/minAvailable", available)

    assert (texts("budget-permits-draining", given) == []) is is_kept


@pytest.mark.parametrize("group", [None, "default.valkey8"])
def test_a_default_parameter_group_evicts(group: str | None) -> None:
    assert "evicts" in texts("broker-noeviction", changed("cache/parameterGroupName", group))[0]


def test_a_server_in_a_pod_is_held_to_noeviction_too() -> None:
    given = changed(f"{MAIN}/command", ["valkey-server", "--maxmemory-policy", "allkeys-lru"])

    assert "sets maxmemory-policy allkeys-lru" in texts("broker-noeviction", given)[0]


@pytest.mark.parametrize(
    ("cidr", "is_public"),
    [("10.1.0.0/16", False), ("100.64.0.0/10", False), ("8.8.8.8/32", True), ("0.0.0.0/0", True)],
)
def test_what_is_not_a_private_range_is_public(cidr: str, *, is_public: bool) -> None:
    given = changed("door/ingress/0/cidrBlocks", [cidr])

    assert bool(texts("broker-not-public", given)) is is_public


def test_the_world_by_ipv6_a_range_of_ports_or_a_load_balancer_is_public_too() -> None:
    ipv6 = changed("door/ingress/0/ipv6CidrBlocks", ["::/0"])
    put(ipv6, "door/ingress/0/toPort", 7000)
    put(ipv6, "door/ingress/0/fromPort", 6000)

    assert "::/0 reach port 6379" in texts("broker-not-public", ipv6)[0]
    assert texts("broker-not-public", changed("broker-service/spec/type", "LoadBalancer"))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ({"Action": "ec2:RunInstances", "Resource": "*"}, "on every resource"),
        ({"Action": ["s3:Put*"], "Resource": "a"}, "allows 's3:Put*'"),
        ({"NotAction": "iam:*", "Resource": "a"}, "NotAction"),
        ({"Action": "ec2:Describe*", "Resource": "*"}, None),
        ({"Action": "x:Do", "Resource": "*", "Condition": {"StringEquals": {"a": "b"}}}, None),
    ],
)
def test_reading_may_be_wide_and_writing_not(
    statement: dict[str, object], says: str | None
) -> None:
    policy = json.dumps({"Statement": [{"Effect": "Allow", **statement}]})
    found = texts("iam-no-write-wildcards", changed("uploads/policy", policy))

    assert (says in found[0]) if says else not found


def test_a_price_that_is_missing_is_told_and_not_taken_for_zero() -> None:
    found = texts("monthly-cost-ceiling", parts(), ceilingsUsd={"prod": 10})

    assert found == ["it cannot be added up: there is no price of cache.m7g.large"]


def test_gpus_of_a_preview_are_summed_over_its_workers() -> None:
    given = {**parts(PREVIEW), **gpu_parts()}

    assert texts("preview-caps", given, PREVIEW) == [
        "its workers may take 4 GPUs, a preview 0 at most"
    ]
    assert texts("preview-caps", given, PREVIEW, maxGpus=4) == []


def test_an_exemption_lets_by_what_its_glob_names_and_nothing_else() -> None:
    given = changed(f"{POD}/hostNetwork", value=True)
    exempt = [{"name": "mail*", "reason": "it measures the network"}]

    assert texts("pod-no-host-access", given, exempt=exempt) == []
    assert texts("pod-no-host-access", given, exempt=[{"name": "x", "reason": "y"}]) != []


def test_which_stacks_a_rule_is_about_can_be_set() -> None:
    given = changed("cache/multiAzEnabled", value=False)

    assert texts("broker-multi-az", given, "staging") == []
    assert texts("broker-multi-az", given, "staging", stacks="staging") != []
    assert texts("broker-multi-az", given, PROD, butStacks="prod") == []


@pytest.mark.parametrize(
    ("stack", "is_production", "is_throwaway"),
    [
        ("prod", True, False),
        ("eu-production", True, False),
        ("product", False, False),
        ("staging", False, False),
        ("pr-12", False, True),
        ("preview-login", False, True),
        ("local", False, True),
        ("prime", False, False),
    ],
)
def test_tiers_are_told_by_the_stacks_name(
    stack: str, *, is_production: bool, is_throwaway: bool
) -> None:
    def is_about(pattern: str) -> bool:
        return Rule("r", "R.", "low", "m", stacks=pattern).is_about(stack, {})

    assert (is_about(PRODUCTION), is_about(THROWAWAY)) == (is_production, is_throwaway)


@pytest.mark.parametrize(("most", "is_kept"), [(1, True), (2, False), (None, False)])
def test_a_worker_that_has_one_pod_at_most_needs_no_budget(
    most: int | None, *, is_kept: bool
) -> None:
    given = changed("mailer-budget/spec/selector/matchLabels/app", "x")
    put(given, "mailer-scaler/spec/maxReplicaCount", most)

    assert (texts("worker-has-budget", given) == []) is is_kept
