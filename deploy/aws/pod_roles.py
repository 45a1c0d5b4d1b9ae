"""Who the pods are to AWS: one role a service account, with what that service calls and no more."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from deploy.aws.records import Records

# Those of the cluster's own controllers; the venue's are in the namespace of the venue.
NAMESPACES = {
    "aws-load-balancer-controller": "kube-system",
    "cloudwatch-agent": "amazon-cloudwatch",
    "ebs-csi-controller-sa": "kube-system",
}
READ_STREAM = (
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
WRITE_HISTORY = (
    "dynamodb:BatchWriteItem",
    "dynamodb:CreateTable",  # which finds them made: the service asks for them at its start
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "dynamodb:UpdateTimeToLive",
)
READ_HISTORY = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
KEEP_OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",  # what retention has ended; the bucket's versions keep it for a time
    "s3:GetObject",
    "s3:PutObject",
)
REGISTER = ("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets")
# These actions know no resource: AWS's own tables say so.
ON_EVERYTHING = (
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)


def make(scope: Construct, records: Records) -> dict[str, iam.Role]:
    """Make the roles, by service account."""
    tables = [table.table_arn for table in records.tables]
    stream = [records.stream.stream_arn]
    consumers = [f"{records.stream.stream_arn}/consumer/*"]
    use_key = _allow(("kms:Decrypt", "kms:GenerateDataKey"), [records.key.key_arn])

    def keep(bucket: str) -> list[iam.PolicyStatement]:
        return [
            _allow(KEEP_OBJECTS, [f"{bucket}/*"]),
            _allow(("s3:ListBucket", "s3:ListBucketMultipartUploads"), [bucket]),
            use_key,
        ]

    read_history = [_allow(READ_HISTORY, tables), use_key]
    backup = records.backup.bucket_arn
    statements = {
        "archive": keep(records.archive.bucket_arn),
        "matching": keep(backup),
        "trade-history": [_allow(WRITE_HISTORY, tables), use_key],
        "stream": [_allow((*READ_STREAM, "kinesis:PutRecords"), stream), use_key],
        "marketdata": [
            _allow(READ_STREAM, stream),
            _allow(("kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"), consumers),
            use_key,
        ],
        "feed": read_history,
        # Of the backup its own sessions alone, and by their names how far the journal is.
        "fix": [
            *read_history,
            _allow(KEEP_OBJECTS, [f"{backup}/*/gateways/*"]),
            _allow(("s3:ListBucket", "s3:ListBucketMultipartUploads"), [backup]),
        ],
        "gateway": read_history,
        # It binds pods to the target groups that deploy/aws/edge.py made, and makes none.
        "aws-load-balancer-controller": [
            _allow(REGISTER, [_arn(records, "elasticloadbalancing", "targetgroup/agio-*")]),
            _allow(ON_EVERYTHING, ["*"]),
        ],
    }
    roles = {account: _make_role(scope, account, each) for account, each in statements.items()}
    for account, policy in (
        ("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
        ("cloudwatch-agent", "CloudWatchAgentServerPolicy"),
    ):
        roles[account] = _make_role(scope, account, [])
        managed = iam.ManagedPolicy.from_aws_managed_policy_name(policy)
        roles[account].add_managed_policy(managed)
    tracing = iam.ManagedPolicy.from_aws_managed_policy_name("AWSXRayDaemonWriteAccess")
    roles["cloudwatch-agent"].add_managed_policy(tracing)
    return roles


def _allow(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))


def _arn(records: Records, service: str, resource: str) -> str:
    return f"arn:{records.partition}:{service}:{records.region}:{records.account}:{resource}/*"


def _make_role(
    scope: Construct, account: str, statements: Sequence[iam.PolicyStatement]
) -> iam.Role:
    role = iam.Role(
        scope,
        f"Pods-{account}",
        assumed_by=iam.ServicePrincipal("pods.eks.amazonaws.com").with_session_tags(),
    )
    for statement in statements:
        role.add_to_policy(statement)
    return role
