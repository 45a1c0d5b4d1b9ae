"""What is asked while the venue runs: the ledger on Aurora, market data on ElastiCache."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from deploy.aws.network import Network
from deploy.aws.sizes import Size

LEDGER = "agio"
CACHE = "agio"
CACHE_USER = "agio"
# What market data do on it, and nothing else: tests/deploy/test_deployed.py tries it.
CACHE_ACCESS = (
    "on ~agio:* resetchannels &agio:* -@all +@connection +@pubsub +exists +get +mget +set "
    "+cluster|shards +cluster|slots"
)


class Stores(cdk.Stack):
    """Aurora PostgreSQL over three zones, and a Valkey cluster behind TLS and a user."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        size: Size,
        network: Network,
        *,
        is_global: bool,
        **options: object,
    ) -> None:
        super().__init__(scope, name, **options)
        self.key = kms.Key(self, "Key", enable_key_rotation=True, alias="alias/agio")
        self.ledger_group = ec2.SecurityGroup(
            self, "LedgerGroup", vpc=network.vpc, allow_all_outbound=False
        )
        self.cache_group = ec2.SecurityGroup(
            self, "CacheGroup", vpc=network.vpc, allow_all_outbound=False
        )
        self.ledger = self._make_ledger(size, network)
        if is_global:
            # The other region's cluster joins it: deploy/aws/standby.py.
            rds.CfnGlobalCluster(
                self,
                "Global",
                global_cluster_identifier=LEDGER,
                source_db_cluster_identifier=self.ledger.cluster_arn,
                deletion_protection=True,
            )
        self._make_cache(size, network)

    def _make_ledger(self, size: Size, network: Network) -> rds.DatabaseCluster:
        instance = ec2.InstanceType(size.ledger_instance)
        parameters = rds.ParameterGroup(
            self,
            "LedgerParameters",
            engine=LEDGER_ENGINE,
            parameters={"rds.force_ssl": "1"},
        )
        return rds.DatabaseCluster(
            self,
            "Ledger",
            cluster_identifier=LEDGER,
            engine=LEDGER_ENGINE,
            default_database_name="agio",
            credentials=rds.Credentials.from_generated_secret(
                "agio", secret_name="agio/ledger", encryption_key=self.key
            ),
            writer=rds.ClusterInstance.provisioned("Writer", instance_type=instance),
            readers=[
                # The first takes over as large as the writer was.
                rds.ClusterInstance.provisioned(
                    f"Reader{number}", instance_type=instance, promotion_tier=min(number, 1)
                )
                for number in range(size.ledger_readers)
            ],
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="stores"),
            security_groups=[self.ledger_group],
            parameter_group=parameters,
            storage_encrypted=True,
            storage_encryption_key=self.key,
            backup=rds.BackupProps(retention=cdk.Duration.days(size.ledger_backup_days)),
            cloudwatch_logs_exports=["postgresql"],
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            iam_authentication=False,
        )

    def _make_cache(self, size: Size, network: Network) -> None:
        password = secretsmanager.Secret(
            self,
            "CachePassword",
            secret_name="agio/cache",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=48
            ),
        )
        user = elasticache.CfnUser(
            self,
            "CacheUser",
            engine="valkey",
            user_id="agio",
            user_name=CACHE_USER,
            access_string=CACHE_ACCESS,
            passwords=[password.secret_value.unsafe_unwrap()],  # a reference, which AWS resolves
        )
        group = elasticache.CfnUserGroup(
            self, "CacheUsers", engine="valkey", user_group_id="agio", user_ids=[user.user_id]
        )
        group.add_resource_dependency(user)
        subnets = elasticache.CfnSubnetGroup(
            self,
            "CacheSubnets",
            description="Where stores are",
            subnet_ids=network.subnets("stores"),
        )
        cache = elasticache.CfnReplicationGroup(
            self,
            "Cache",
            replication_group_id=CACHE,
            replication_group_description="Market data: channels and snapshots",
            engine="valkey",
            engine_version="8.0",
            cache_node_type=size.cache_node,
            cluster_mode="enabled",
            num_node_groups=size.cache_shards,
            replicas_per_node_group=size.cache_replicas,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=self.key.key_arn,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[self.cache_group.security_group_id],
            user_group_ids=[group.ref],
        )
        cdk.CfnOutput(
            self,
            "CacheAddress",
            value=cache.attr_configuration_end_point_address,
            description="rediss+cluster://agio:PASSWORD@ADDRESS:6379",
        )


LEDGER_ENGINE = rds.DatabaseClusterEngine.aurora_postgres(
    version=rds.AuroraPostgresEngineVersion.of("17.5", "17")
)
