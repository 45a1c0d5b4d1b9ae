"""The cluster that runs deploy/kubernetes: EKS, its nodes, and who its pods are to AWS."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.aws import pod_roles
from deploy.aws.network import Network, retention
from deploy.aws.records import Records
from deploy.aws.sizes import Nodes, Size
from deploy.aws.stores import Stores

CLUSTER = "agio"
KUBERNETES_VERSION = "1.33"
NAMESPACE = "agio"
ADDONS = (
    "vpc-cni",
    "coredns",
    "kube-proxy",
    "eks-pod-identity-agent",
    "aws-ebs-csi-driver",
    "metrics-server",
    "amazon-cloudwatch-observability",
)
# What managed policies let nodes do: join, pull images, give pods addresses.
NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
)
POSTGRES_PORT, REDIS_PORT = 5432, 6379


class Cluster(cdk.Stack):
    """EKS over three zones, of plain resources: the higher constructs bring functions along."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        size: Size,
        network: Network,
        stores: Stores,
        records: Records,
        **options: object,
    ) -> None:
        super().__init__(scope, name, **options)
        logs.LogGroup(
            self,
            "ControlPlane",
            log_group_name=f"/aws/eks/{CLUSTER}/cluster",
            retention=retention(size),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.cluster = self._make_cluster(network, stores)
        self.pods_group_id = self.cluster.attr_cluster_security_group_id
        node_role = iam.Role(
            self,
            "NodeRole",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(policy) for policy in NODE_POLICIES
            ],
        )
        subnets = network.subnets("nodes")
        doors = self._make_nodes("doors", size.doors, node_role, subnets)
        # Its volume is in one zone, and so must be both nodes.
        self._make_nodes("matching", size.matching, node_role, subnets[:1], alone=True)
        self._make_addons(doors)
        self._let_pods_reach("Ledger", stores.ledger_group, POSTGRES_PORT)
        self._let_pods_reach("Cache", stores.cache_group, REDIS_PORT)
        for account, role in pod_roles.make(self, records).items():
            eks.CfnPodIdentityAssociation(
                self,
                f"Identity-{account}",
                cluster_name=self.cluster.ref,
                namespace=pod_roles.NAMESPACES.get(account, NAMESPACE),
                service_account=account,
                role_arn=role.role_arn,
            )

    def _make_cluster(self, network: Network, stores: Stores) -> eks.CfnCluster:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("eks.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("AmazonEKSClusterPolicy")
            ],
        )
        kinds = ("api", "audit", "authenticator", "controllerManager", "scheduler")
        return eks.CfnCluster(
            self,
            "Cluster",
            name=CLUSTER,
            version=KUBERNETES_VERSION,
            role_arn=role.role_arn,
            deletion_protection=True,
            resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(
                subnet_ids=network.subnets("nodes"),
                endpoint_private_access=True,
                endpoint_public_access=False,
            ),
            access_config=eks.CfnCluster.AccessConfigProperty(authentication_mode="API"),
            encryption_config=[
                eks.CfnCluster.EncryptionConfigProperty(
                    provider=eks.CfnCluster.ProviderProperty(key_arn=stores.key.key_arn),
                    resources=["secrets"],
                )
            ],
            logging=eks.CfnCluster.LoggingProperty(
                cluster_logging=eks.CfnCluster.ClusterLoggingProperty(
                    enabled_types=[
                        eks.CfnCluster.LoggingTypeConfigProperty(type=kind) for kind in kinds
                    ]
                )
            ),
        )

    def _make_nodes(
        self,
        name: str,
        nodes: Nodes,
        role: iam.Role,
        subnets: Sequence[str],
        *,
        alone: bool = False,
    ) -> eks.CfnNodegroup:
        """Make nodes labelled with their name; `alone`: for pods that tolerate it only."""
        template = ec2.CfnLaunchTemplate(
            self,
            f"Template-{name}",
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_tokens="required", http_put_response_hop_limit=1
                ),
                block_device_mappings=[
                    ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                        device_name="/dev/xvda",
                        ebs=ec2.CfnLaunchTemplate.EbsProperty(
                            encrypted=True, volume_size=50, volume_type="gp3"
                        ),
                    )
                ],
            ),
        )
        taint = eks.CfnNodegroup.TaintProperty(key="agio/nodes", value=name, effect="NO_SCHEDULE")
        return eks.CfnNodegroup(
            self,
            f"Nodes-{name}",
            cluster_name=self.cluster.ref,
            node_role=role.role_arn,
            subnets=list(subnets),
            ami_type="AL2023_x86_64_STANDARD",
            instance_types=[nodes.instance_type],
            scaling_config=eks.CfnNodegroup.ScalingConfigProperty(
                min_size=nodes.least, desired_size=nodes.least, max_size=nodes.most
            ),
            labels={"agio/nodes": name},
            taints=[taint] if alone else None,
            launch_template=eks.CfnNodegroup.LaunchTemplateSpecificationProperty(
                id=template.ref, version=template.attr_latest_version_number
            ),
        )

    def _make_addons(self, nodes: eks.CfnNodegroup) -> None:
        for name in ADDONS:
            addon = eks.CfnAddon(
                self,
                f"Addon-{name}",
                addon_name=name,
                cluster_name=self.cluster.ref,
                # Without it the NetworkPolicies of deploy/kubernetes are words.
                configuration_values='{"enableNetworkPolicy": "true"}'
                if name == "vpc-cni"
                else None,
            )
            if name not in {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}:
                addon.add_resource_dependency(nodes)

    def _let_pods_reach(self, name: str, group: ec2.SecurityGroup, port: int) -> None:
        ec2.CfnSecurityGroupIngress(
            self,
            f"PodsTo{name}",
            group_id=group.security_group_id,
            source_security_group_id=self.pods_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
        )
