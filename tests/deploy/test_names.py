"""Names that the files under deploy/ share with the code."""

import importlib
import re

import prometheus_client
import yaml

from agio.configuration import Configuration
from agio.hot_paths import ROOT

FILES = sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())
TEXTS = {path: path.read_text() for path in FILES if path.suffix in {"", ".env", ".py", ".yaml"}}


def test_every_variable_is_a_setting() -> None:
    named = {name for text in TEXTS.values() for name in re.findall(r"\bAGIO_([A-Z_]+)\b", text)}
    assert {"MATCHING_ADDRESS", "POSTGRES_URL"} <= named
    assert {name.lower() for name in named} <= set(Configuration.model_fields)


def test_autoscalers_ask_for_metrics_that_the_gateway_has() -> None:
    importlib.import_module("gateway.edge.gateway")
    scraped = {
        sample.name for family in prometheus_client.REGISTRY.collect() for sample in family.samples
    } | {
        f"{family.name}_total"
        for family in prometheus_client.REGISTRY.collect()
        if family.type == "counter"
    }
    monitoring = ROOT / "deploy" / "kubernetes" / "monitoring"
    rules = yaml.safe_load((monitoring / "adapter.yaml").read_text())["rules"]["custom"]
    queried = {re.match(r"\w+", rule["seriesQuery"]).group() for rule in rules}  # type: ignore[union-attr]
    assert queried <= scraped
    made = {rule["name"]["as"] for rule in rules}
    asked = {
        name
        for path, text in TEXTS.items()
        if path.parent.name == "base"
        for name in re.findall(r"metric: \{ name: (\w+) \}", text)
    }
    assert asked
    assert asked <= made
