from pathlib import Path

import pytest

from agio import run_files
from agio.configuration import ConfigurationError
from agio.run_files import ApiKey
from trading.runs import Limits, Run, StrategyRun

RUN = Run(
    name="first",
    epoch=1_795_348_800,
    strategies=(
        StrategyRun(
            name="maker",
            strategy="market_making",
            parameters={"order_lots": 100},
            symbols=("BTCUSDT", "ETHUSDT"),
            limits=Limits(position_lots_max=1_000),
        ),
        StrategyRun(name="trend", strategy="momentum", symbols=("BTCUSDT",), door="fix"),
    ),
    from_sequence=17,
)
KEYS = {"maker": ApiKey("key-1", "secret-1"), "trend": ApiKey("key-2", "secret-2")}


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run_files.write(tmp_path, RUN, KEYS)
    assert run_files.read(tmp_path, "first") == RUN
    assert run_files.read_keys(tmp_path, "first") == KEYS
    assert run_files.names(tmp_path) == ["first"]


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    directory = run_files.write(tmp_path, RUN, KEYS)
    assert (directory / "keys.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in directory.iterdir()) == ["keys.json", "run.json"]


def test_a_run_is_written_once(tmp_path: Path) -> None:
    run_files.write(tmp_path, RUN, KEYS)
    with pytest.raises(ConfigurationError, match="'first' exists already"):
        run_files.write(tmp_path, RUN.model_copy(update={"epoch": 1}), {})
    assert run_files.read(tmp_path, "first") == RUN


def test_a_run_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    run_files.write(tmp_path, RUN, KEYS)
    with pytest.raises(ConfigurationError, match=r"run 'second': there is no .*; runs: first"):
        run_files.read(tmp_path, "second")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{}", "name: Field required"),
        ('{"name": "Bad name"}', "name: String should match"),
        (RUN.model_dump_json().replace('"door":"fix"', '"door":"pit"'), "strategies.1.door"),
        (RUN.model_dump_json().replace('"first"', '"other"'), "the run in it is called 'other'"),
        (RUN.model_dump_json().replace('"epoch"', '"epoc"'), "epoc: Extra inputs"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = run_files.run_directory(tmp_path, "first") / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        run_files.read(tmp_path, "first")
