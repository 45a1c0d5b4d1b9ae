"""The containers run what the command line offers, with settings that the model knows."""

import re
from typing import Any

import pytest
import yaml

from agio import configuration, services
from agio.command_line import main
from agio.configuration import PORT_OFFSETS, Configuration
from agio.hot_paths import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: part for name, part in COMPOSE["services"].items() if part["image"] == "agio"}
SUPPLIED = {
    "POSTGRES_PASSWORD": "from-env",
    "AGIO_OPS_TOKEN": "from-env",
    "AGIO_SERVICE_TOKEN": "from-env",
    "AGIO_MASTER_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}


def test_compose_runs_every_service_and_no_other() -> None:
    assert set(OURS) == set(services.SERVICES)
    for name, part in OURS.items():
        assert part["command"] == [name]
        assert name in main.commands


@pytest.mark.parametrize("name", OURS)
def test_compose_gives_settings_that_are_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OURS[name]["environment"].items():
        field = variable.removeprefix("AGIO_").lower()
        assert field in Configuration.model_fields, variable
        monkeypatch.setenv(variable, substitute(value))
    loaded = configuration.load()
    assert loaded.host == "0.0.0.0"
    assert loaded.postgres_url == "postgresql://agio:from-env@postgres:5432/agio"


def test_compose_publishes_the_ports_that_we_listen_on() -> None:
    published = {int(text.split(":")[-1]) for part in OURS.values() for text in part["ports"]}
    assert published == {getattr(configuration.load(), name) for name in PORT_OFFSETS}


def test_the_image_starts_the_command_line() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["agio"]' in text
    command = re.findall(r"^CMD \[(.*)\]$", text, re.MULTILINE)[0].replace('"', "").split(", ")
    flags = {flag for option in main.commands[command[0]].params for flag in option.opts}
    assert {part for part in command if part.startswith("--")} <= flags
    copied = re.findall(r"^COPY (\S+\.txt) \.$", text, re.MULTILINE)
    assert copied
    assert all((ROOT / name).exists() for name in copied)


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "configuration.md").read_text()
    documented = re.findall(r"^\| `(\w+)` ", table, re.MULTILINE)
    assert sorted(documented) == sorted(Configuration.model_fields)


def substitute(text: str) -> str:
    """Put the variables in as compose does; `${NAME:?}` must be there."""
    return re.sub(r"\$\{(\w+):\?\}", lambda match: SUPPLIED[match[1]], text)
