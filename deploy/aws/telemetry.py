"""What wakes somebody: CloudWatch alarms, and X-Ray for the traces that the services send."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_xray as xray
from constructs import Construct

from deploy.aws.edge import Edge
from deploy.aws.records import STREAM, TABLE_PREFIX, TABLES
from deploy.aws.stores import CACHE, LEDGER

MINUTE = cdk.Duration.minutes(1)
TRACED_SHARE = 0.01


class Telemetry(cdk.Stack):
    """Alarms of the managed services, and of what the venue itself tells CloudWatch (EMF)."""

    def __init__(self, scope: Construct, name: str, edge: Edge, **options: object) -> None:
        super().__init__(scope, name, **options)
        self.topic = sns.Topic(self, "Alarms", topic_name="agio-alarms", enforce_ssl=True)
        self._watch_venue()
        self._watch_ledger()
        self._watch_records()
        self._watch_cache()
        self._watch_edge(edge)
        self._trace()

    def _watch_venue(self) -> None:
        """Watch what no money may wait for; deploy/prometheus has more, where Prometheus is."""
        for name, process, metric, limit in (
            ("commit-slow", "matching", "agio_matching_commit_seconds_p99", 0.02),
            ("ledger-differs", "accounts", "agio_accounts_reconciliation_differences", 0),
            ("settlement-lags", "accounts", "agio_accounts_settlement_lag_records", 50_000),
        ):
            self._alarm(name, "agio", metric, {"Process": process}, above=limit, minutes=5)
        of = {"Process": "matching"}
        self._alarm(
            "journal-disk", "agio", "agio_matching_disk_free_bytes", of, below=2e9, minutes=5
        )

    def _watch_ledger(self) -> None:
        of = {"DBClusterIdentifier": LEDGER}
        self._alarm("ledger-cpu", "AWS/RDS", "CPUUtilization", of, above=80, minutes=5)
        self._alarm("ledger-memory", "AWS/RDS", "FreeableMemory", of, below=1 * 2**30, minutes=5)
        self._alarm("ledger-lag", "AWS/RDS", "AuroraReplicaLagMaximum", of, above=1_000, minutes=3)
        self._alarm("ledger-deadlocks", "AWS/RDS", "Deadlocks", of, above=0, minutes=5)

    def _watch_records(self) -> None:
        for table in TABLES:
            of = {"TableName": f"{TABLE_PREFIX}-{table}"}
            self._alarm(
                f"history-{table}-throttled",
                "AWS/DynamoDB",
                "WriteThrottleEvents",
                of,
                above=0,
                minutes=5,
                statistic="Sum",
            )
        of = {"StreamName": STREAM}
        self._alarm(
            "stream-throttled",
            "AWS/Kinesis",
            "WriteProvisionedThroughputExceeded",
            of,
            above=0,
            minutes=3,
            statistic="Sum",
        )
        self._alarm(
            "stream-unread",
            "AWS/Kinesis",
            "GetRecords.IteratorAgeMilliseconds",
            of,
            above=60_000,
            minutes=5,
        )

    def _watch_cache(self) -> None:
        of = {"ReplicationGroupId": CACHE}
        for name, metric, limit in (
            ("cpu", "EngineCPUUtilization", 80),
            ("memory", "DatabaseMemoryUsagePercentage", 75),
        ):
            self._alarm(f"cache-{name}", "AWS/ElastiCache", metric, of, above=limit, minutes=5)

    def _watch_edge(self, edge: Edge) -> None:
        balancer = {"LoadBalancer": edge.web_balancer.load_balancer_full_name}
        self._alarm(
            "web-errors",
            "AWS/ApplicationELB",
            "HTTPCode_Target_5XX_Count",
            balancer,
            above=10,
            minutes=3,
            statistic="Sum",
        )
        rest = {"ApiId": edge.rest.api_id}
        self._alarm(
            "rest-errors", "AWS/ApiGateway", "5xx", rest, above=10, minutes=3, statistic="Sum"
        )
        self._alarm(
            "rest-slow", "AWS/ApiGateway", "Latency", rest, above=500, minutes=5, statistic="p99"
        )

    def _trace(self) -> None:
        xray.CfnSamplingRule(
            self,
            "Sampling",
            sampling_rule=xray.CfnSamplingRule.SamplingRuleProperty(
                rule_name="agio",
                priority=1000,
                fixed_rate=TRACED_SHARE,
                reservoir_size=1,
                service_name="agio*",
                service_type="*",
                host="*",
                http_method="*",
                url_path="*",
                resource_arn="*",
                version=1,
            ),
        )
        xray.CfnGroup(
            self,
            "Slow",
            group_name="agio-slow",
            filter_expression='service("agio*") AND responsetime > 0.1',
            insights_configuration=xray.CfnGroup.InsightsConfigurationProperty(
                insights_enabled=True, notifications_enabled=True
            ),
        )

    def _alarm(
        self,
        name: str,
        namespace: str,
        metric: str,
        of: dict[str, str],
        *,
        minutes: int,
        above: float | None = None,
        below: float | None = None,
        statistic: str = "Maximum",
    ) -> None:
        """Tell the topic when a metric was beyond a limit for so many minutes in a row."""
        limit = above if above is not None else below
        assert limit is not None
        operators = cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self,
            f"Alarm-{name}",
            alarm_name=f"agio-{name}",
            metric=cloudwatch.Metric(
                namespace=namespace,
                metric_name=metric,
                dimensions_map=of,
                period=MINUTE,
                statistic=statistic,
            ),
            threshold=limit,
            evaluation_periods=minutes,
            comparison_operator=operators.GREATER_THAN_THRESHOLD
            if above is not None
            else operators.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
