"""What keeps an eye on the account: log groups, alarms, Config, GuardDuty, Security Hub."""

from __future__ import annotations

from scanner.collectors.aws.watches import watched
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.reading import RUNNING, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_cloudwatch import AwsAlarm, AwsAlarmAction, AwsAlarmMetric
from scanner.tables.aws_detection import AwsConfigRecorder, AwsGuarddutyDetector, AwsSecurityHub
from scanner.tables.aws_logs import AwsLogGroup, AwsLogMetricFilter, AwsLogWatch

_DAY = 86_400
_ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}


def _group(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsLogGroup,
        created=RUNNING,
        retention_seconds=then(own.integer("retention_in_days", absent=0), lambda days: days * _DAY),
        kms_key_uid=own.ref("kms_key_id", "aws_kms_key", known=str, absent=""),
        log_class=own.text("log_group_class", absent="STANDARD"),
        stored_bytes=0 if parts.is_new else RUNNING,
    )
    for view in parts.views("aws_cloudwatch_log_metric_filter"):
        _filter(shape, view)
    if not parts.is_new:
        shape.lost(AwsLogMetricFilter, "", RUNNING)
        shape.lost(AwsLogWatch, "", RUNNING)


def _filter(shape: Shape, view: View) -> None:
    metric = view.block("metric_transformation")
    if metric is None or isinstance(metric, Lost):
        for table in (AwsLogMetricFilter, AwsLogWatch):
            shape.lost(table, "", metric or RUNNING)
        return
    names = {
        "filter": view.text("name"),
        "metric_namespace": metric.text("namespace"),
        "metric_name": metric.text("name"),
    }
    pattern = view.text("pattern", absent="")
    shape.child(AwsLogMetricFilter, pattern=pattern, **names)
    if isinstance(pattern, Lost):
        shape.lost(AwsLogWatch, "", pattern)
        return
    for change, selected in watched(pattern):
        unclear = RUNNING if selected is None else selected
        shape.child(AwsLogWatch, change=change, is_watched=unclear, **names)


def _alarm(shape: Shape, parts: Parts) -> None:
    own = parts.own
    composite = parts.type == "aws_cloudwatch_composite_alarm"
    alarms = own.items("alarm_actions")
    shape.resource(
        AwsAlarm,
        is_composite=composite,
        actions_enabled=own.boolean("actions_enabled", absent=True),
        has_alarm_action=_some(own, alarms),
        state=RUNNING,
    )
    for state, argument in _ACTIONS.items():
        targets, loss = own.refs(argument, "aws_sns_topic", known=str)
        if loss:
            shape.lost(AwsAlarmAction, "", loss)
        for target in targets:
            shape.child(AwsAlarmAction, on_state=state, target_uid=target)
    if not composite:
        _metrics(shape, own)
    fill_tags(shape, own)


def _some(own: View, listed: list[object] | Lost) -> bool | Lost:
    """Whether a list has an element. One that refers to something still to be made has it."""
    if isinstance(listed, Lost):
        targets, loss = own.refs("alarm_actions", "aws_sns_topic", known=str)
        return True if targets and loss is None else listed
    return bool(listed)


def _metrics(shape: Shape, own: View) -> None:
    name = own.text("metric_name", absent="")
    if name != "":
        shape.child(AwsAlarmMetric, metric_namespace=own.text("namespace", absent=""), metric_name=name)
        return
    for query in shape.each(AwsAlarmMetric, own.blocks("metric_query")):
        metric = query.block("metric")
        if isinstance(metric, Lost):
            shape.lost(AwsAlarmMetric, "", metric)
        elif metric is not None:
            shape.child(
                AwsAlarmMetric,
                metric_namespace=metric.text("namespace", absent=""),
                metric_name=metric.text("metric_name"),
            )


def _recorder(shape: Shape, parts: Parts) -> None:
    group = parts.own.block("recording_group")
    view = parts.only("aws_config_configuration_recorder_status")
    off = parts.is_new or parts.is_gone("aws_config_configuration_recorder_status")
    shape.resource(
        AwsConfigRecorder,
        is_recording=view.boolean("is_enabled") if view else False if off else RUNNING,
        records_all=group.boolean("all_supported", absent=True) if isinstance(group, View) else group or True,
        records_global=group.boolean("include_global_resource_types", absent=False)
        if isinstance(group, View)
        else group or False,
        last_status="" if parts.is_new else RUNNING,
    )


def _detector(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsGuarddutyDetector,
        is_enabled=own.boolean("enable", absent=True),
        high_findings=0 if parts.is_new else RUNNING,
    )
    fill_tags(shape, own)


def _hub(shape: Shape, parts: Parts) -> None:
    shape.resource(AwsSecurityHub, standards=RUNNING, products=RUNNING)


FAMILIES = (
    Family(
        types=("aws_cloudwatch_log_group",),
        tables=(AwsLogGroup, AwsLogMetricFilter, AwsLogWatch),
        fill=_group,
        satellites={
            "aws_cloudwatch_log_metric_filter": Satellite(
                "log_group_name", ((AwsLogMetricFilter, ""), (AwsLogWatch, ""))
            )
        },
    ),
    Family(
        types=("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"),
        tables=(AwsAlarm, AwsAlarmMetric, AwsAlarmAction, AwsTag),
        fill=_alarm,
    ),
    Family(
        types=("aws_config_configuration_recorder",),
        tables=(AwsConfigRecorder,),
        fill=_recorder,
        satellites={
            "aws_config_configuration_recorder_status": Satellite("name", ((AwsConfigRecorder, "is_recording"),))
        },
    ),
    Family(types=("aws_guardduty_detector",), tables=(AwsGuarddutyDetector, AwsTag), fill=_detector),
    Family(types=("aws_securityhub_account",), tables=(AwsSecurityHub,), fill=_hub),
)
