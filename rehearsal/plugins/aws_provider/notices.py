"""SNS topics with who hears them, and budgets."""

import json
from collections.abc import Iterator

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.parameters import pascal
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import AutoName

TOPIC = "displayName policy kmsMasterKeyId deliveryPolicy signatureVersion tracingConfig"
SUBSCRIPTION = "rawMessageDelivery filterPolicy filterPolicyScope redrivePolicy deliveryPolicy"
TOPIC_ARN = {"ResourceArn": "{id}"}
BUDGET = (
    "budgetType timeUnit limitAmount limitUnit costFilters costTypes timePeriodStart timePeriodEnd"
)
BUDGET_ARN = {"ResourceARN": "arn:aws:budgets::{account}:budget/{name}"}
NOTICE = ("notificationType", "comparisonOperator", "threshold", "thresholdType")


def described_topic(deed: Deed) -> object:
    return deed.aws.get_topic_attributes(TopicArn=deed.id)["Attributes"] | {
        "Name": deed.id.rpartition(":")[2]
    }


def set_topic(deed: Deed) -> object:
    for name in TOPIC.split():
        if name in deed.resource.inputs or name in deed.resource.old_inputs:
            deed.aws.set_topic_attributes(
                TopicArn=deed.id, AttributeName=pascal(name), AttributeValue=_attribute(deed, name)
            )
    return None


def subscribe(deed: Deed) -> object:
    given = deed.resource.inputs
    attributes = {pascal(n): _attribute(deed, n) for n in SUBSCRIPTION.split() if given.get(n)}
    return deed.aws.subscribe(
        TopicArn=given["topic"],
        Protocol=given["protocol"],
        Endpoint=given["endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]


def set_subscription(deed: Deed) -> object:
    for name in SUBSCRIPTION.split():
        if name in deed.resource.inputs or name in deed.resource.old_inputs:
            deed.aws.set_subscription_attributes(
                SubscriptionArn=deed.id,
                AttributeName=pascal(name),
                AttributeValue=_attribute(deed, name),
            )
    return None


def set_topic_policy(deed: Deed) -> object:
    deed.aws.set_topic_attributes(
        TopicArn=deed.text("arn"), AttributeName="Policy", AttributeValue=deed.text("policy")
    )
    return deed.text("arn")


def reset_topic_policy(deed: Deed) -> object:
    """AWS has no topic without a policy: its owner alone is let in again."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "SNS:Publish",
        "Resource": deed.id,
        "Condition": {"StringEquals": {"AWS:SourceOwner": deed.clients.account}},
    }
    policy = json.dumps({"Version": "2008-10-17", "Statement": [statement]})
    return deed.aws.set_topic_attributes(
        TopicArn=deed.id, AttributeName="Policy", AttributeValue=policy
    )


def create_budget(deed: Deed) -> object:
    deed.aws.create_budget(
        AccountId=deed.clients.account,
        Budget=_budget(deed),
        NotificationsWithSubscribers=[_notice(deed, one) for one in _notices(deed.resource.inputs)],
    )
    return f"{deed.clients.account}:{deed.text('name')}"


def update_budget(deed: Deed) -> object:
    return deed.aws.update_budget(AccountId=deed.clients.account, NewBudget=_budget(deed))


def set_notices(deed: Deed) -> object:
    """Make the budget's notifications those asked for."""
    budget = {"AccountId": deed.clients.account, "BudgetName": deed.text("name")}
    for notice in deed.aws.describe_notifications_for_budget(**budget)["Notifications"]:
        notice.pop("NotificationState", None)
        deed.aws.delete_notification(**budget, Notification=notice)
    for notice in _notices(deed.resource.inputs):
        deed.aws.create_notification(**budget, **_notice(deed, notice))
    return None


def _notices(given: Properties) -> Iterator[Properties]:
    notices = given.get("notifications")
    yield from notices if isinstance(notices, list) else ()


def _notice(deed: Deed, notice: Properties) -> Properties:
    subscribers: list[object] = []
    for name, kind in (("subscriberEmailAddresses", "EMAIL"), ("subscriberSnsTopicArns", "SNS")):
        addresses = notice.get(name)
        subscribers += [
            {"subscriptionType": kind, "address": address}
            for address in (addresses if isinstance(addresses, list) else [])
        ]
    given: Properties = {
        "notification": {name: notice[name] for name in NOTICE if name in notice},
        "subscribers": subscribers,
    }
    return structured(deed, "create_notification", given, {})


def _budget(deed: Deed) -> Properties:
    given = deed.resource.inputs
    limit = {"amount": str(given["limitAmount"]), "unit": given["limitUnit"]}
    budget: Properties = {
        "budgetName": given["name"],
        "budgetType": given["budgetType"],
        "timeUnit": given["timeUnit"],
        "budgetLimit": limit,
    }
    filters = given.get("costFilters")
    if isinstance(filters, list):
        budget["costFilters"] = {one["name"]: one["values"] for one in filters}
    if given.get("costTypes"):
        budget["costTypes"] = given["costTypes"]
    period = {"timePeriodStart": "start", "timePeriodEnd": "end"}
    if stated := {short: given[name] for name, short in period.items() if given.get(name)}:
        budget["timePeriod"] = stated
    return structured(deed, "create_budget", {"budget": budget}, {})["Budget"]  # type: ignore[return-value]  # botocore gives a dict


def _attribute(deed: Deed, name: str) -> str:
    value = deed.resource.inputs.get(name, "")
    return str(value).lower() if isinstance(value, bool) else str(value)


SPECS = (
    Spec(
        "aws:sns/topic:Topic",
        "sns",
        create=Call("create_topic"),
        id="TopicArn",
        read=described_topic,
        delete=Call("delete_topic", {"TopicArn": "{id}"}),
        replacing="name",
        updates=(Update(TOPIC, set_topic),),
        documents="policy deliveryPolicy",
        auto_name=AutoName(most=256),
        tags=Tagging(
            Call("tag_resource", TOPIC_ARN),
            Call("untag_resource", TOPIC_ARN),
            Call("list_tags_for_resource", TOPIC_ARN),
        ),
        outputs={"arn": "TopicArn", "owner": "Owner"},
    ),
    Spec(
        "aws:sns/topicSubscription:TopicSubscription",
        "sns",
        create=subscribe,
        read=Call("get_subscription_attributes", {"SubscriptionArn": "{id}"}, "Attributes"),
        delete=Call("unsubscribe", {"SubscriptionArn": "{id}"}),
        replacing="topic protocol endpoint",
        updates=(Update(SUBSCRIPTION, set_subscription),),
        silent="endpointAutoConfirms confirmationTimeoutInMinutes",
        reads={"topic": "TopicArn"},
        documents="filterPolicy redrivePolicy deliveryPolicy",
        outputs={
            "arn": "SubscriptionArn",
            "ownerId": "Owner",
            "pendingConfirmation": "PendingConfirmation",
        },
    ),
    Spec(
        "aws:sns/topicPolicy:TopicPolicy",
        "sns",
        create=set_topic_policy,
        read=Call("get_topic_attributes", {"TopicArn": "{id}"}, "Attributes"),
        delete=reset_topic_policy,
        replacing="arn",
        updates=(Update("policy", set_topic_policy),),
        reads={"arn": "TopicArn"},
        documents="policy",
        outputs={"owner": "Owner"},
        stays=True,
    ),
    Spec(
        "aws:budgets/budget:Budget",
        "budgets",
        create=create_budget,
        read=Call("describe_budget", {"AccountId": "{account}", "BudgetName": "{name}"}, "Budget"),
        delete=Call("delete_budget", {"AccountId": "{account}", "BudgetName": "{name}"}),
        replacing="name",
        updates=(Update(BUDGET, update_budget), Update("notifications", set_notices)),
        renames={"name": "BudgetName"},
        reads=dict.fromkeys(("costFilters", "costTypes", "timePeriodStart", "timePeriodEnd"), "")
        | {"limitAmount": "BudgetLimit.Amount", "limitUnit": "BudgetLimit.Unit"},
        auto_name=AutoName(most=100),
        tags=Tagging(
            Call("tag_resource", BUDGET_ARN),
            Call("untag_resource", BUDGET_ARN),
            Call("list_tags_for_resource", BUDGET_ARN),
            "ResourceTags",
        ),
        outputs={"arn": "arn:aws:budgets::{account}:budget/{name}"},
    ),
)
