"""`agio up --aws-local`: one trade, found wherever the venue tells of it."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import ccxt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from websockets.sync.client import connect

from agio import embedded_aws
from agio import venue as venue_file
from agio.child_process import ServerFailedError
from agio.embedded_aws import EmbeddedAws
from marketdata.archive_manifest import CutManifest
from marketdata.edge.archive_reader import cuts
from objects.store import open_store
from tests.agio.running_venue import RunningVenue, free_port_base, wait_for
from tests.end_to_end.ccxt_clients import configured, traders
from vocabulary.trade_history import place_of

MARKET = "BTC/USDT"


class AwsVenue(RunningVenue):
    def _flags(self) -> list[str]:
        return [*super()._flags(), "--aws-local"]

    def endpoint(self) -> str:
        described = venue_file.read(self.data)
        assert described is not None
        assert described.event_stream_url is not None
        return described.event_stream_url.partition("endpoint=")[2]

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        completed = self.run("events", "--end", "--data", str(self.data), *arguments)
        assert completed.returncode == 0, completed.stderr
        return [json.loads(line) for line in completed.stdout.splitlines()]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what every client of an AWS needs, this one included."""
    for name, value in embedded_aws.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsVenue]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGIO_ARCHIVE_FLUSH_SECONDS", "1")
        with AwsVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as running:
            yield running


@pytest.fixture(scope="module")
def trade(venue: AwsVenue) -> dict[str, Any]:
    """Trade once, with a socket open that is fed through Kinesis; give what the socket got."""
    maker, taker = (
        configured(ccxt.binance(keys), venue) for keys in traders(venue, "maker", "taker")
    )

    def shows_the_market() -> bool:
        feed = venue.agio("status")["services"]["gateway"]["feed"]
        return bool(feed["ready"] and feed["sequences"]["BTCUSDT"])

    wait_for(shows_the_market, "no market data")
    with connect(f"{venue.endpoints['websocket']}/ws/btcusdt@trade") as socket:
        maker.create_order(MARKET, "limit", "sell", 0.5, 20_000)
        taker.create_order(MARKET, "limit", "buy", 0.25, 20_000)
        told: dict[str, Any] = json.loads(socket.recv(timeout=20))
    return told


def test_a_socket_gets_it_through_kinesis(venue: AwsVenue, trade: dict[str, Any]) -> None:
    assert (trade["e"], trade["s"], trade["t"]) == ("trade", "BTCUSDT", 1)
    assert (float(trade["p"]), float(trade["q"])) == (20_000, 0.25)
    services = venue.agio("status")["services"]
    assert services["marketdata"]["stream_connected"] is True


def test_a_kinesis_reader_gets_it(venue: AwsVenue, trade: dict[str, Any], tmp_path: Path) -> None:
    checkpoint = ["--checkpoint", str(tmp_path / "checkpoint")]
    told = venue.events(*checkpoint)
    trades = [event for event in told if event["event"] == "TradeExecuted"]
    assert [event["trade_id"] for event in trades] == [trade["t"]]
    assert {trade["a"], trade["b"]} == {
        trades[0]["resting_order_id"],
        trades[0]["incoming_order_id"],
    }
    listed = [event["symbol"] for event in told if event["event"] == "InstrumentListed"]
    assert sorted(listed) == ["BTCUSDT", "ETHBTC", "ETHUSDT"]
    assert venue.events(*checkpoint) == []  # it goes on behind what it had


def test_dynamodb_keeps_it(venue: AwsVenue, trade: dict[str, Any]) -> None:
    tables: Any = boto3.client("dynamodb", endpoint_url=venue.endpoint())

    names = place_of(f"dynamodb://{embedded_aws.REGION}/{embedded_aws.TABLES}").tables

    def stored() -> list[Any]:
        items: list[Any] = tables.scan(TableName=names.trades)["Items"]
        return [item for item in items if "price" in item]

    wait_for(lambda: bool(stored()), "the trade did not come to DynamoDB")
    assert len(stored()) == 1


def test_s3_archives_it(venue: AwsVenue, trade: dict[str, Any]) -> None:
    url = f"s3://{embedded_aws.BUCKET}/archive?endpoint={venue.endpoint()}"

    def archived() -> list[CutManifest]:
        return [cut for cut in cuts(open_store(url)) if "trade" in cut.counts]

    wait_for(lambda: bool(archived()), "the trade did not come to the archive")
    [cut] = archived()
    [part] = [part for part in cut.parts if part.type == "trade"]
    stored = open_store(url).get(cut.part_key(part))
    assert stored is not None
    rows = pq.read_table(pa.BufferReader(stored.data)).to_pylist()
    assert [(row["trade_id"], float(row["price"])) for row in rows] == [(trade["t"], 20_000)]


def test_the_parquet_on_s3_has_it(venue: AwsVenue, trade: dict[str, Any]) -> None:
    s3: Any = boto3.client("s3", endpoint_url=venue.endpoint())

    def rows() -> list[Any]:
        listed = s3.list_objects_v2(Bucket=embedded_aws.BUCKET, Prefix="archive/")
        keys = [entry["Key"] for entry in listed.get("Contents", ())]
        tables = [
            pq.read_table(
                io.BytesIO(s3.get_object(Bucket=embedded_aws.BUCKET, Key=key)["Body"].read())
            )
            for key in keys
            if key.endswith(".parquet") and "trade" in key
        ]
        return [row for table in tables for row in table.to_pylist() if row.get("trade_id")]

    wait_for(lambda: bool(rows()), "the trade did not come to S3")
    assert [row["trade_id"] for row in rows()] == [trade["t"]]


def test_every_service_says_that_it_is_well(venue: AwsVenue, trade: dict[str, Any]) -> None:
    def is_well() -> bool:
        states = venue.agio("status")["services"]
        assert {"archive", "backup", "stream", "trade-history"} <= set(states)
        return all(state["ready"] for state in states.values())

    wait_for(is_well, "not every service is ready")


def test_who_fills_a_store_leaves_the_cores_to_the_others(venue: AwsVenue) -> None:
    services = venue.agio("status")["services"]
    niceness = {name: os.getpriority(os.PRIO_PROCESS, of["pid"]) for name, of in services.items()}
    own = os.getpriority(os.PRIO_PROCESS, 0)
    nice = {name for name, value in niceness.items() if value > own}
    assert nice == {"archive", "trade-history", "stream"}


def test_without_moto_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerFailedError, match=r"moto and flask not installed: pip install"):
        EmbeddedAws(tmp_path / "aws.log").start()
