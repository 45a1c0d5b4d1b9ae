"""Three zones, private nodes, and private ways to what AWS offers."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.aws.sizes import Size

ZONES = 3
ADDRESSES = "10.64.0.0/16"  # within what deploy/kubernetes lets the stores be in
# What nodes and pods call that would else go out by a NAT gateway.
PRIVATE_SERVICES = (
    "ecr.api",
    "ecr.dkr",
    "eks-auth",
    "kinesis-streams",
    "logs",
    "monitoring",
    "sts",
    "xray",
)


class Network(cdk.Stack):
    """The VPC: public subnets for balancers, private ones for nodes, isolated ones for stores."""

    def __init__(self, scope: Construct, name: str, size: Size, **options: object) -> None:
        super().__init__(scope, name, **options)
        kinds = ec2.SubnetType
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(ADDRESSES),
            availability_zones=[cdk.Fn.select(zone, cdk.Fn.get_azs()) for zone in range(ZONES)],
            nat_gateways=size.nat_gateways,
            restrict_default_security_group=False,  # what does it needs a function of its own
            subnet_configuration=[
                ec2.SubnetConfiguration(name=each, subnet_type=kind, cidr_mask=mask)
                for each, kind, mask in (
                    ("public", kinds.PUBLIC, 24),
                    ("nodes", kinds.PRIVATE_WITH_EGRESS, 20),
                    ("stores", kinds.PRIVATE_ISOLATED, 24),
                )
            ],
        )
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        self.vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        for service in PRIVATE_SERVICES:
            self.vpc.add_interface_endpoint(
                "".join(word.capitalize() for word in service.replace(".", "-").split("-")),
                service=ec2.InterfaceVpcEndpointAwsService(service),
                subnets=ec2.SubnetSelection(subnet_group_name="nodes"),
            )
        self._log_flows(size)

    def subnets(self, group: str) -> list[str]:
        return list(self.vpc.select_subnets(subnet_group_name=group).subnet_ids)

    def _log_flows(self, size: Size) -> None:
        group = logs.LogGroup(
            self,
            "Flows",
            retention=retention(size),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        role = iam.Role(
            self, "FlowsRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com")
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )


def retention(size: Size) -> logs.RetentionDays:
    return {14: logs.RetentionDays.TWO_WEEKS, 90: logs.RetentionDays.THREE_MONTHS}[size.log_days]
