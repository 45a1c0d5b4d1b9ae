"""What the templates describe, made here as far as it can be, and used by what uses it there."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.aws_server import ENVIRONMENT
from tests.deploy.templates import one, template
from tests.gateway.edge.test_market_feed import trade_some
from tests.gateway.edge.test_redis_places import fed
from tests.valkey_cluster import PASSWORD, valkey_cluster

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.filterwarnings("ignore:Tried to parse"),
    pytest.mark.usefixtures("aws_credentials"),
]


@pytest.fixture(scope="module")
def deployed(aws_endpoint: str) -> dict[str, str]:
    """Deploy the stack; give what was made, by type: the last one's physical id."""
    with pytest.MonkeyPatch.context() as variables:
        for name, value in ENVIRONMENT.items():
            variables.setenv(name, value)
        formation = boto3.client("cloudformation", endpoint_url=aws_endpoint)
    formation.create_stack(StackName="agio-stores", TemplateBody=exports_alone("agio-stores"))
    formation.create_stack(
        StackName="agio-records",
        TemplateBody=json.dumps(template("small", "agio-records")),
        Capabilities=["CAPABILITY_IAM"],
    )
    made = formation.list_stack_resources(StackName="agio-records")["StackResourceSummaries"]
    return {each["ResourceType"]: each["PhysicalResourceId"] for each in made}


def exports_alone(stack: str) -> str:
    """Return a template that exports what the stack does, and makes nothing that moto can't."""
    outputs: dict[str, Any] = {
        name: output | {"Value": "arn:aws:kms:us-east-1:123456789012:key/some"}
        for name, output in template("small", stack)["Outputs"].items()
        if "Export" in output
    }
    topic = {"Type": "AWS::SNS::Topic"}  # a template makes something at least
    return json.dumps({"Resources": {"Topic": topic}, "Outputs": outputs})


def test_the_trade_history_finds_its_tables(aws_endpoint: str, deployed: dict[str, str]) -> None:
    from marketdata.edge.history_tables import HistoryTables
    from vocabulary.trade_history import FILLS_KEY, PROGRESS_KEY, TRADES_KEY, place_of

    place = place_of(f"dynamodb://us-east-1/agio?endpoint={aws_endpoint}")
    db = boto3.client("dynamodb", endpoint_url=aws_endpoint)
    before = {name: db.describe_table(TableName=name)["Table"] for name in place.tables}
    for name, key in zip(place.tables, (TRADES_KEY, FILLS_KEY, PROGRESS_KEY), strict=True):
        named = {each["KeyType"]: each["AttributeName"] for each in before[name]["KeySchema"]}
        assert named == {"HASH": key.partition, "RANGE": key.sort}
        types = {
            each["AttributeName"]: each["AttributeType"]
            for each in before[name]["AttributeDefinitions"]
        }
        assert types == {key.partition: "S", key.sort: key.sort_type}
    tables = HistoryTables(place)
    tables.make(expire=True)
    for name, table in before.items():
        now = db.describe_table(TableName=name)["Table"]
        assert now["CreationDateTime"] == table["CreationDateTime"]
    item = {"reader": {"S": "some"}, "place": {"S": "progress"}}
    tables.put_progress(item)
    assert tables.progress_items("some") == [item]


def test_the_event_stream_takes_and_gives(aws_endpoint: str, deployed: dict[str, str]) -> None:
    kinesis = boto3.client("kinesis", endpoint_url=aws_endpoint)
    name = deployed["AWS::Kinesis::Stream"]
    kinesis.put_record(StreamName=name, Data=b"block", PartitionKey="BTCUSDT")
    shards = kinesis.list_shards(StreamName=name)["Shards"]
    data = []
    for shard in shards:
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        data += [each["Data"] for each in kinesis.get_records(ShardIterator=iterator)["Records"]]
    assert data == [b"block"]


def test_the_buckets_keep_objects(aws_endpoint: str, deployed: dict[str, str]) -> None:
    from objects.store import open_store

    buckets = boto3.client("s3", endpoint_url=aws_endpoint).list_buckets()["Buckets"]
    names = [each["Name"] for each in buckets if each["Name"].startswith("agio-archive-")]
    assert names == ["agio-archive-123456789012-us-east-1"]
    store = open_store(f"s3://{names[0]}/trades?endpoint={aws_endpoint}")
    store.put("2026/part", b"rows")
    found = store.get("2026/part")
    assert found is not None
    assert found.data == b"rows"


async def test_the_caches_user_is_enough_for_market_data(tmp_path: Path) -> None:
    rules = one("large", "AWS::ElastiCache::User")["AccessString"].split()
    with valkey_cluster(tmp_path / "cluster") as cluster:
        for number in range(3):
            cluster.ask(number, "ACL", "SETUSER", "agio", ">secret", *rules)
        url = cluster.url().replace(f"default:{PASSWORD}@", "agio:secret@")
        assert "agio:secret@" in url
        async with fed(tmp_path / "venue", url) as (venue, subscriber):
            trade_some(venue, 4)
            await subscriber.catch_up(venue)
            assert subscriber.feed.gaps == 0
