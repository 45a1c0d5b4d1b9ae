"""What is kept: the trade history, the event stream, archives and backups."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_s3 as s3
from constructs import Construct

from deploy.aws.sizes import Size
from deploy.aws.stores import Stores

TABLE_PREFIX = "agio"
# Names and keys are those of vocabulary/trade_history.py.
TABLES = {
    "trades": (("series", "S"), ("number", "N")),
    "fills": (("owner", "S"), ("fill", "S")),
    "progress": (("reader", "S"), ("place", "S")),
}
EXPIRES = "expires"
STREAM = "agio-events"


class Records(cdk.Stack):
    """DynamoDB, Kinesis, S3, and AWS Backup of what has state."""

    def __init__(
        self, scope: Construct, name: str, size: Size, stores: Stores, **options: object
    ) -> None:
        super().__init__(scope, name, **options)
        self.key = stores.key
        self.tables = [self._make_table(table) for table in TABLES]
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_name=STREAM,
            stream_mode=kinesis.StreamMode.PROVISIONED
            if size.stream_shards
            else kinesis.StreamMode.ON_DEMAND,
            shard_count=size.stream_shards or None,
            retention_period=cdk.Duration.hours(size.stream_hours),
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=self.key,
        )
        for consumer in size.stream_consumers:
            kinesis.CfnStreamConsumer(
                self,
                f"Consumer-{consumer}",
                consumer_name=consumer,
                stream_arn=self.stream.stream_arn,
            )
        self.logs = self._make_bucket("logs", None)
        self.archive = self._make_bucket("archive", self.logs)
        self.backup = self._make_bucket("backup", self.logs)
        self._make_backup_plan(size, stores)

    def _make_table(self, name: str) -> dynamodb.Table:
        types = {"S": dynamodb.AttributeType.STRING, "N": dynamodb.AttributeType.NUMBER}
        partition, sort = (
            dynamodb.Attribute(name=attribute, type=types[letter])
            for attribute, letter in TABLES[name]
        )
        return dynamodb.Table(
            self,
            f"Table-{name}",
            table_name=f"{TABLE_PREFIX}-{name}",
            partition_key=partition,
            sort_key=sort,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=EXPIRES,
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def _make_bucket(self, name: str, access_logs: s3.Bucket | None) -> s3.Bucket:
        """Make a bucket whose contents grow cheap with age. Only logs are ever deleted."""
        days, classes = cdk.Duration.days, s3.StorageClass
        transitions = [
            s3.Transition(storage_class=classes.INFREQUENT_ACCESS, transition_after=days(30)),
            s3.Transition(
                storage_class=classes.GLACIER_INSTANT_RETRIEVAL, transition_after=days(180)
            ),
        ]
        is_log = access_logs is None
        return s3.Bucket(
            self,
            f"Bucket-{name}",
            bucket_name=f"agio-{name}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}",
            # Who delivers access logs can't use a key of ours.
            encryption=s3.BucketEncryption.S3_MANAGED if is_log else s3.BucketEncryption.KMS,
            encryption_key=None if is_log else self.key,
            bucket_key_enabled=None if is_log else True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=not is_log,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=None if is_log else f"access/{name}/",
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=days(7),
                    expiration=days(400) if is_log else None,
                    noncurrent_version_expiration=None if is_log else days(90),
                    transitions=None if is_log else transitions,
                )
            ],
        )

    def _make_backup_plan(self, size: Size, stores: Stores) -> None:
        vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name="agio",
            encryption_key=self.key,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        plan = backup.BackupPlan(self, "Plan", backup_plan_name="agio", backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                rule_name="daily",
                delete_after=cdk.Duration.days(size.backup_days),
                start_window=cdk.Duration.hours(1),
                completion_window=cdk.Duration.hours(12),
            )
        )
        role = iam.Role(
            self,
            "BackupRole",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    f"service-role/AWSBackupServiceRolePolicyFor{what}"
                )
                for what in ("Backup", "Restores")
            ],
        )
        plan.add_selection(
            "State",
            role=role,
            disable_default_backup_policy=True,
            resources=[
                *(backup.BackupResource.from_dynamo_db_table(table) for table in self.tables),
                backup.BackupResource.from_arn(stores.ledger.cluster_arn),
            ],
        )
