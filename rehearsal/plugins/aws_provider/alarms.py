"""CloudWatch's log groups and alarms."""

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import AutoName

LOG_ARN = "arn:aws:logs:{region}:{account}:log-group:{id}"
ALARM_ARN = {"ResourceARN": "arn:aws:cloudwatch:{region}:{account}:alarm:{id}"}
ALARM = (
    "actionsEnabled alarmActions alarmDescription comparisonOperator datapointsToAlarm dimensions "
    "evaluateLowSampleCountPercentiles evaluationPeriods extendedStatistic "
    "insufficientDataActions metricName metricQueries namespace okActions period statistic "
    "threshold thresholdMetricId treatMissingData unit"
)
RENAMES = {
    "name": "AlarmName",
    "metricQueries": "Metrics",
    "okActions": "OKActions",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
}


def described_log_group(deed: Deed) -> object:
    groups = deed.aws.describe_log_groups(logGroupNamePrefix=deed.id)["logGroups"]
    return next((group for group in groups if group["logGroupName"] == deed.id), None)


def set_retention(deed: Deed) -> object:
    days = deed.resource.inputs.get("retentionInDays")
    if days:
        return deed.aws.put_retention_policy(logGroupName=deed.id, retentionInDays=days)
    return deed.aws.delete_retention_policy(logGroupName=deed.id)


def delete_log_group(deed: Deed) -> object:
    if deed.resource.old_inputs.get("skipDestroy"):
        return {}
    return deed.aws.delete_log_group(logGroupName=deed.id)


def put_alarm(deed: Deed) -> object:
    """Make or change an alarm: AWS has one call for both."""
    inputs = deed.resource.inputs
    given = {name: inputs[name] for name in f"name {ALARM}".split() if name in inputs}
    queries = given.get("metricQueries")
    if isinstance(queries, list):
        given["metricQueries"] = [_query(query) for query in queries]
    deed.aws.put_metric_alarm(**structured(deed, "put_metric_alarm", given, RENAMES))
    return deed.text("name")


def _query(query: Properties) -> Properties:
    """A metric query: Pulumi has flat what AWS nests once more."""
    metric = query.get("metric")
    rest = {name: value for name, value in query.items() if name != "metric"}
    if not isinstance(metric, dict):
        return rest
    own = ("namespace", "metricName", "dimensions")
    nested = {name: metric[name] for name in own if name in metric}
    stat = {name: value for name, value in metric.items() if name not in own}
    return rest | {"metricStat": stat | {"metric": nested}}


SPECS = (
    Spec(
        "aws:cloudwatch/logGroup:LogGroup",
        "logs",
        create=Call("create_log_group"),
        id="{name}",
        read=described_log_group,
        delete=delete_log_group,
        replacing="name logGroupClass",
        updates=(
            Update("retentionInDays", set_retention),
            Update("kmsKeyId", Call("associate_kms_key", {"logGroupName": "{id}"})),
        ),
        silent="skipDestroy",
        renames={"name": "logGroupName"},
        auto_name=AutoName(most=512),
        tags=Tagging(
            Call("tag_resource", {"resourceArn": LOG_ARN}),
            Call("untag_resource", {"resourceArn": LOG_ARN}),
            Call("list_tags_for_resource", {"resourceArn": LOG_ARN}),
            "tags",
        ),
        outputs={"arn": LOG_ARN},
    ),
    Spec(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "cloudwatch",
        create=put_alarm,
        read=Call("describe_alarms", {"AlarmNames": ["{id}"]}, "MetricAlarms.0"),
        delete=Call("delete_alarms", {"AlarmNames": ["{id}"]}),
        replacing="name",
        updates=(Update(ALARM, put_alarm),),
        renames=RENAMES,
        reads={"metricQueries": "", "evaluateLowSampleCountPercentiles": ""},
        unordered="alarmActions okActions insufficientDataActions",
        auto_name=AutoName(),
        tags=Tagging(
            Call("tag_resource", ALARM_ARN),
            Call("untag_resource", ALARM_ARN),
            Call("list_tags_for_resource", ALARM_ARN),
        ),
        outputs={"arn": "AlarmArn"},
    ),
)
