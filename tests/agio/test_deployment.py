"""The containers run what the command line offers, with settings that the model knows."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from agio import configuration, services
from agio.__main__ import main
from agio.configuration import OPTIONAL_PORT_OFFSETS, PORT_OFFSETS, Configuration
from agio.hot_paths import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: part for name, part in COMPOSE["services"].items() if part["image"] == "agio"}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
USER = "10001"
SUPPLIED = {
    "POSTGRES_PASSWORD": "from-env",
    "AGIO_OPS_TOKEN": "from-env",
    "AGIO_SERVICE_TOKEN": "from-env",
    "AGIO_MASTER_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}


def test_compose_runs_every_service_of_the_venue() -> None:
    unasked = {name for name, part in OURS.items() if "profiles" not in part}
    assert unasked == set(services.SERVICES)
    asked_for = set(OURS) - unasked
    assert asked_for <= set(services.TRADING_SERVICES | services.OPTIONAL_SERVICES)
    assert asked_for >= set(services.OPTIONAL_SERVICES)
    for name, part in OURS.items():
        assert part["command"][0] == name
        assert name in main.commands


def test_compose_says_nothing_twice() -> None:
    """The loader lets a later key win without a word; compose refuses the file."""
    text = (ROOT / "docker-compose.yml").read_text()
    nodes = [yaml.compose(text)]
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value]
            assert len(names) == len(set(names)), f"line {node.start_mark.line + 1}: {names}"
            nodes += [value for _, value in node.value]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_confines_every_container(name: str) -> None:
    part = COMPOSE["services"][name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in part["tmpfs"] or name == "valkey"
    assert name in OURS or part["user"] != "root"


@pytest.mark.parametrize("name", OURS)
def test_compose_asks_each_service_how_it_is(name: str) -> None:
    port = services.metrics_port(configuration.load(), name)
    assert OURS[name]["healthcheck"]["test"] == ["CMD", "healthcheck", str(port)]
    needed = OURS[name].get("depends_on", {})
    assert all(COMPOSE["services"][other]["healthcheck"] for other in needed)
    assert all(condition == {"condition": "service_healthy"} for condition in needed.values())


@pytest.mark.parametrize("name", OURS)
def test_compose_gives_settings_that_are_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OURS[name]["environment"].items():
        if variable.startswith("AWS_"):
            continue
        field = variable.removeprefix("AGIO_").lower()
        assert field in Configuration.model_fields, variable
        monkeypatch.setenv(variable, substitute(value))
    loaded = configuration.load()
    assert loaded.host == "0.0.0.0"
    assert loaded.postgres_url == "postgresql://agio:from-env@postgres:5432/agio"


def test_compose_publishes_the_ports_that_we_listen_on() -> None:
    published = [text.rpartition(":") for part in OURS.values() for text in part["ports"]]
    listened = {*PORT_OFFSETS, *OPTIONAL_PORT_OFFSETS, "feeds_metrics_port", "history_metrics_port"}
    assert {int(port) for _, _, port in published} == {
        getattr(configuration.load(), name) for name in listened
    }
    # Nothing leaves the machine unless somebody says so.
    assert all(
        before.startswith(("127.0.0.1:", "${AGIO_PUBLISH:-127.0.0.1}:"))
        for before, _, _ in published
    )


def test_the_image_starts_the_command_line() -> None:
    assert 'ENTRYPOINT ["agio"]' in DOCKERFILE
    command = (
        re.findall(r"^CMD \[(.*)\]$", DOCKERFILE, re.MULTILINE)[0].replace('"', "").split(", ")
    )
    flags = {flag for option in main.commands[command[0]].params for flag in option.opts}
    assert {part for part in command if part.startswith("--")} <= flags
    copied = re.findall(r"(\S+\.(?:txt|py)) ", DOCKERFILE)
    assert {"requirements.txt", "deploy/healthcheck.py"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied if name != "tools.txt")


def test_the_image_is_not_root_and_asks_the_services_of_its_command() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == [USER]
    assert f"--uid {USER} " in DOCKERFILE
    asked = re.findall(r'^ +CMD \["healthcheck", (.*)\]$', DOCKERFILE, re.MULTILINE)[0]
    ports = {services.metrics_port(configuration.load(), name) for name in services.SERVICES}
    assert {int(port.strip('"')) for port in asked.split(", ")} == ports


def test_the_image_is_compiled_by_what_is_pinned() -> None:
    named = re.findall(r"\^\((\S+)\)==", DOCKERFILE)[0].split("|")
    pinned = re.findall(r"^(\S+)==", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert set(named) <= set(pinned)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {re.match(r"\w+", text)[0] for text in project["build-system"]["requires"]}  # type: ignore[index]
    assert needed <= set(named)


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "configuration.md").read_text()
    documented = re.findall(r"^\| `(\w+)` ", table, re.MULTILINE)
    assert sorted(documented) == sorted(Configuration.model_fields)


def substitute(text: str) -> str:
    """Put the variables in as compose does; `${NAME:?}` must be there, `${NAME:-}` need not."""
    text = re.sub(r"\$\{\w+:-\}", "", text)
    return re.sub(r"\$\{(\w+):\?\}", lambda match: SUPPLIED[match[1]], text)
