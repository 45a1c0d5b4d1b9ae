"""The other region: a copy of the ledger, which Aurora keeps, and which can take over."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from constructs import Construct

from deploy.aws.network import ZONES
from deploy.aws.sizes import Size
from deploy.aws.stores import LEDGER, LEDGER_ENGINE

ADDRESSES = "10.65.0.0/16"


class Standby(cdk.Stack):
    """A cluster of the global database, read-only until it is made the writer."""

    def __init__(self, scope: Construct, name: str, size: Size, **options: object) -> None:
        super().__init__(scope, name, **options)
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(ADDRESSES),
            availability_zones=[cdk.Fn.select(zone, cdk.Fn.get_azs()) for zone in range(ZONES)],
            nat_gateways=0,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="stores", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24
                )
            ],
        )
        group = ec2.SecurityGroup(self, "LedgerGroup", vpc=vpc, allow_all_outbound=False)
        key = kms.Key(self, "Key", enable_key_rotation=True)
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_description="Where stores are",
            subnet_ids=[subnet.subnet_id for subnet in vpc.isolated_subnets],
        )
        cluster = rds.CfnDBCluster(
            self,
            "Ledger",
            engine="aurora-postgresql",
            engine_version=LEDGER_ENGINE.engine_version.full_version,
            global_cluster_identifier=LEDGER,
            db_cluster_identifier=f"{LEDGER}-standby",
            db_subnet_group_name=subnets.ref,
            vpc_security_group_ids=[group.security_group_id],
            storage_encrypted=True,
            kms_key_id=key.key_arn,
            backup_retention_period=size.ledger_backup_days,
            copy_tags_to_snapshot=True,
            deletion_protection=True,
        )
        cluster.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        rds.CfnDBInstance(
            self,
            "Reader",
            engine="aurora-postgresql",
            db_cluster_identifier=cluster.ref,
            db_instance_class=f"db.{size.ledger_instance}",
        )
