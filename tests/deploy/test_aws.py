"""What CloudFormation would be given."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agio import configuration, emf, services
from agio.hot_paths import ROOT
from gateway.json_api.operations import OPERATIONS, Security
from tests.deploy import cluster
from tests.deploy.templates import (
    SIZES,
    STANDBY_REGION,
    Resource,
    as_list,
    one,
    resources,
    statements,
    synthesise,
    template,
)

pytestmark = pytest.mark.cloud

every_size = pytest.mark.parametrize("size", SIZES)
REGIONS = ("us-east-1", "eu-central-1")
# What the platform was asked to hold, and the resource that shows it.
NAMED = {
    "Route 53": "AWS::Route53::HostedZone",
    "CloudFront": "AWS::CloudFront::Distribution",
    "Global Accelerator": "AWS::GlobalAccelerator::Accelerator",
    "API Gateway": "AWS::ApiGatewayV2::Api",
    "EKS": "AWS::EKS::Cluster",
    "EKS nodes": "AWS::EKS::Nodegroup",
    "Aurora": "AWS::RDS::DBCluster",
    "DynamoDB": "AWS::DynamoDB::Table",
    "Kinesis": "AWS::Kinesis::Stream",
    "enhanced fan-out": "AWS::Kinesis::StreamConsumer",
    "ElastiCache": "AWS::ElastiCache::ReplicationGroup",
    "S3": "AWS::S3::Bucket",
    "CloudWatch": "AWS::CloudWatch::Alarm",
    "X-Ray": "AWS::XRay::SamplingRule",
    "AWS Backup": "AWS::Backup::BackupPlan",
    "IAM": "AWS::IAM::Role",
}
# Actions that AWS gives no resource: deploy/aws/pod_roles.py, ON_EVERYTHING.
WITHOUT_RESOURCE = re.compile(r"(ec2|elasticloadbalancing):Describe\w+")


@every_size
@pytest.mark.timeout(240)
def test_the_linter_is_content(size: str) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    paths = [str(path) for path in synthesise(size).values()]
    done = subprocess.run(
        [linter, "--regions", *REGIONS, "--", *paths], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@every_size
def test_every_service_named_is_there(size: str) -> None:
    missing = {name for name, kind in NAMED.items() if not resources(size, kind)}
    assert not missing
    kinds = {each["Type"] for each in resources(size, "AWS::ElasticLoadBalancingV2::LoadBalancer")}
    assert kinds == {"application", "network"}
    protocols = {each["ProtocolType"] for each in resources(size, "AWS::ApiGatewayV2::Api")}
    assert protocols == {"HTTP", "WEBSOCKET"}


@every_size
def test_templates_are_deployed_as_they_are(size: str) -> None:
    for stack, path in synthesise(size).items():
        assert not list(path.parent.glob("asset.*"))
        made = template(size, stack)
        assert "AWS::Lambda::Function" not in {each["Type"] for each in made["Resources"].values()}
        assert "BootstrapVersion" not in made.get("Parameters", {})
        assert path.stat().st_size < 1_000_000  # more CloudFormation does not take


@every_size
def test_the_ledger_outlives_a_zone_and_a_mistake(size: str) -> None:
    ledger = next(
        each for each in resources(size, "AWS::RDS::DBCluster") if "MasterUsername" in each
    )
    assert ledger["Engine"] == "aurora-postgresql"
    assert ledger["StorageEncrypted"] is True
    assert ledger["DeletionProtection"] is True
    assert ledger["BackupRetentionPeriod"] >= 7
    assert "{{resolve:secretsmanager:" in str(ledger["MasterUserPassword"])
    instances = resources(size, "AWS::RDS::DBInstance")
    assert len(instances) >= 2
    assert not any(each.get("PubliclyAccessible") for each in instances)
    subnets = resources(size, "AWS::RDS::DBSubnetGroup")[0]["SubnetIds"]
    assert len(subnets) == 3
    parameters = one(size, "AWS::RDS::DBClusterParameterGroup")["Parameters"]
    assert parameters["rds.force_ssl"] == "1"


def test_another_region_may_hold_a_copy_of_the_ledger() -> None:
    assert not resources("small", "AWS::RDS::GlobalCluster")
    shared = one("large", "AWS::RDS::GlobalCluster")
    copies = [
        each["Properties"]
        for each in template("large", "agio-standby")["Resources"].values()
        if each["Type"] == "AWS::RDS::DBCluster"
    ]
    assert [each["GlobalClusterIdentifier"] for each in copies] == [
        shared["GlobalClusterIdentifier"]
    ]
    assert "MasterUsername" not in copies[0]
    assert STANDBY_REGION  # which its templates are deployed to


@every_size
def test_the_cache_is_a_cluster_behind_tls_and_a_user(size: str) -> None:
    cache = one(size, "AWS::ElastiCache::ReplicationGroup")
    assert (cache["Engine"], cache["ClusterMode"]) == ("valkey", "enabled")
    assert cache["TransitEncryptionMode"] == "required"
    assert cache["AtRestEncryptionEnabled"] is cache["MultiAZEnabled"] is True
    assert cache["AutomaticFailoverEnabled"] is True
    assert cache["ReplicasPerNodeGroup"] >= 1
    user = one(size, "AWS::ElastiCache::User")
    assert "-@all" in user["AccessString"]
    assert not {"+@all", "+@admin", "+@dangerous", "~*", "&*"} & set(user["AccessString"].split())
    assert "{{resolve:secretsmanager:" in str(user["Passwords"])


@every_size
def test_the_event_stream_has_readers_of_their_own(size: str) -> None:
    stream = one(size, "AWS::Kinesis::Stream")
    assert stream["StreamEncryption"]["EncryptionType"] == "KMS"
    assert stream["RetentionPeriodHours"] >= 24
    names = {each["ConsumerName"] for each in resources(size, "AWS::Kinesis::StreamConsumer")}
    assert "marketdata" in names
    mode = stream.get("StreamModeDetails", {}).get("StreamMode")
    assert (mode == "ON_DEMAND") != ("ShardCount" in stream)


@every_size
def test_buckets_are_private_encrypted_and_grow_cheap(size: str) -> None:
    for bucket in resources(size, "AWS::S3::Bucket"):
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["BucketEncryption"]
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert any("Transitions" in rule or "ExpirationInDays" in rule for rule in rules)
        # What was archived is deleted by who archived it, never by age.
        is_logs = "agio-logs-" in str(bucket["BucketName"])
        assert is_logs == any("ExpirationInDays" in rule for rule in rules)
    denied = [
        statement
        for name, statement in statements(size)
        if name.startswith("AWS::S3::BucketPolicy") and statement["Effect"] == "Deny"
    ]
    assert len(denied) == len(resources(size, "AWS::S3::Bucket"))
    assert all(each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for each in denied)


@every_size
def test_what_has_state_is_backed_up_and_kept(size: str) -> None:
    selection = one(size, "AWS::Backup::BackupSelection")["BackupSelection"]["Resources"]
    assert len(selection) == len(resources(size, "AWS::DynamoDB::Table")) + 1
    for stack in synthesise(size):
        for name, resource in template(size, stack)["Resources"].items():
            if resource["Type"] in {
                "AWS::DynamoDB::Table",
                "AWS::RDS::DBCluster",
                "AWS::S3::Bucket",
            }:
                assert resource["DeletionPolicy"] in {"Retain", "Snapshot"}, name
    for table in resources(size, "AWS::DynamoDB::Table"):
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        recovery = table["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True


@every_size
def test_fix_connections_live_long_and_each_replica_has_ports_of_its_own(size: str) -> None:
    listeners = [
        each
        for each in resources(size, "AWS::ElasticLoadBalancingV2::Listener")
        if each["Protocol"] == "TCP"
    ]
    for listener in listeners:
        (idle,) = listener["ListenerAttributes"]
        assert idle == {"Key": "tcp.idle_timeout.seconds", "Value": "6000"}
    defaults = configuration.load()
    doors = {defaults.fix_port, defaults.fix_drop_copy_port, defaults.fix_market_data_port}
    ports = {listener["Port"] for listener in listeners}
    replicas = cluster.of_kind(size, "StatefulSet")["fix"]["spec"]["replicas"]
    assert ports == {door + 10 * replica for door in doors for replica in range(replicas)}
    announced = one(size, "AWS::GlobalAccelerator::Listener")["PortRanges"]
    assert announced == [{"FromPort": min(ports), "ToPort": max(ports)}]


@every_size
def test_target_groups_lead_to_ports_that_pods_listen_on(size: str) -> None:
    for group in resources(size, "AWS::ElasticLoadBalancingV2::TargetGroup"):
        name = re.sub(r"^agio-|-\d+$", "", group["Name"])
        if name == "assets":  # a site's own pods
            continue
        app = name if name in {"feed", "gateway"} else "fix"
        assert group["TargetType"] == "ip"
        assert group["Port"] in cluster.ports(cluster.pods(size)[app]).values(), group["Name"]


def test_the_cluster_fills_every_target_group() -> None:
    bindings = cluster.of_kind("aws", "TargetGroupBinding")
    groups = resources("large", "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert {each["spec"]["targetGroupName"] for each in bindings.values()} == {
        each["Name"] for each in groups
    } - {"agio-assets"}
    listening = cluster.of_kind("aws", "Service")
    for binding in bindings.values():
        led_to = binding["spec"]["serviceRef"]
        ports = {port["name"]: port["port"] for port in listening[led_to["name"]]["spec"]["ports"]}
        (group,) = (each for each in groups if each["Name"] == binding["spec"]["targetGroupName"])
        assert ports[led_to["port"]] == group["Port"]


def test_pods_that_call_aws_are_somebody_there_and_no_others() -> None:
    identities = resources("large", "AWS::EKS::PodIdentityAssociation")
    known = {each["ServiceAccount"] for each in identities if each["Namespace"] == "agio"}
    policy = cluster.of_kind("aws", "NetworkPolicy")["to-aws"]["spec"]["podSelector"]
    calling = set(policy["matchExpressions"][0]["values"])
    assert known == calling
    assert calling <= set(cluster.ours("aws"))
    assert set(cluster.ours("aws")) - calling == {"accounts"}


def bucket_name(bucket: Resource) -> str:
    """Return a bucket's name as settings.env writes it: ACCOUNT and REGION are to be replaced."""
    parts = bucket["BucketName"]["Fn::Join"][1]
    known = {"AWS::AccountId": "ACCOUNT", "AWS::Region": "REGION"}
    return "".join(part if isinstance(part, str) else known[part["Ref"]] for part in parts)


def test_settings_name_what_is_made() -> None:
    from deploy.aws.records import STREAM, TABLE_PREFIX

    settings = next(iter(cluster.of_kind("aws", "ConfigMap").values()))["data"]
    made = {bucket_name(each) for each in resources("large", "AWS::S3::Bucket")}
    for name in ("ARCHIVE", "BACKUP"):
        bucket, path = settings[f"AGIO_{name}_URL"].removeprefix("s3://").split("/")
        assert bucket in made
        assert path == "venue"
    from deploy.aws.telemetry import TRACED_SHARE

    assert settings["AGIO_TRACE_SAMPLE_RATE"] == str(TRACED_SHARE)
    assert settings["AGIO_EVENT_STREAM_URL"] == f"kinesis://REGION/{STREAM}"
    assert settings["AGIO_TRADE_HISTORY_URL"] == f"dynamodb://REGION/{TABLE_PREFIX}"


def test_the_socket_api_asks_what_rest_answers() -> None:
    from deploy.aws.gateways import QUESTIONS

    public = {each.name: each for each in OPERATIONS if each.security is Security.PUBLIC}
    for method, (path, parameters) in QUESTIONS.items():
        assert (public[method].method, public[method].path) == ("GET", path)
        assert set(parameters) <= set(public[method].request_type.__struct_fields__)
    routes = {each["RouteKey"] for each in resources("small", "AWS::ApiGatewayV2::Route")}
    assert routes == {*QUESTIONS, "ANY /api/{proxy+}"}


@every_size
def test_no_policy_grants_more_than_it_names(size: str) -> None:
    for name, statement in statements(size):
        if statement["Effect"] == "Deny" or "Resource" not in statement:
            continue
        # In the policy of a key "*" is the key.
        if name.startswith("AWS::KMS::Key"):
            continue
        actions = as_list(statement["Action"])
        assert not [action for action in actions if action == "*" or action.endswith(":*")], name
        if "*" in as_list(statement["Resource"]):
            assert all(WITHOUT_RESOURCE.fullmatch(action) for action in actions), name


@every_size
def test_only_fix_is_open_to_the_world(size: str) -> None:
    doors = {9880, 9881, 9882}
    for group in resources(size, "AWS::EC2::SecurityGroup"):
        for rule in group.get("SecurityGroupIngress", ()):
            if rule.get("CidrIp") == "0.0.0.0/0":
                assert rule["FromPort"] % 10 in {door % 10 for door in doors}
                assert rule["FromPort"] == rule["ToPort"]
    settings = one(size, "AWS::EKS::Cluster")["ResourcesVpcConfig"]
    assert settings["EndpointPublicAccess"] is False


@every_size
def test_alarms_tell_somebody(size: str) -> None:
    alarms = resources(size, "AWS::CloudWatch::Alarm")
    assert all(each["AlarmActions"] for each in alarms)
    watched = {each["Namespace"] for each in alarms}
    code = " ".join(
        path.read_text()
        for room in ("accounts", "agio", "gateway", "matching")
        for path in (ROOT / room).rglob("*.py")
    )
    ours = [each for each in alarms if each["Namespace"] == emf.NAMESPACE]
    assert len(ours) >= 4
    for alarm in ours:
        assert f'"{alarm["MetricName"].removesuffix("_p99")}"' in code
        (process,) = alarm["Dimensions"]
        assert process["Name"] == "Process"
        assert process["Value"] in services.SERVICES
    assert watched >= {"AWS/RDS", "AWS/DynamoDB", "AWS/Kinesis", "AWS/ElastiCache"}


def test_sizes_differ_in_what_costs() -> None:
    from deploy.aws.sizes import LARGE, SMALL

    assert LARGE.doors.most > SMALL.doors.most
    assert LARGE.nat_gateways == 3
    assert len(resources("large", "AWS::EC2::NatGateway")) == 3
    assert len(resources("small", "AWS::EC2::NatGateway")) == 1
