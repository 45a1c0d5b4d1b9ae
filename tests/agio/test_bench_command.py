import json
from pathlib import Path
from struct import pack_into

import pytest
from click.testing import CliRunner, Result

from agio.bench_command import bench as bench_group
from agio.flow_file import read_flow, write_flow
from agio.flow_runs import run_bare, run_engine
from bench.flow import KINDS, make_flow
from tests.oracles.naive_matcher import naive_run

pytestmark = pytest.mark.core


def flow_of(directory: Path, kind: str = "normal", count: int = 1500, symbols: int = 3) -> Path:
    file = directory / f"{kind}.bin"
    write_flow(file, make_flow(count, symbols, seed=7, kind=kind, depth=60), seed=7)
    return file


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(bench_group, ["engine", *map(str, arguments)])


@pytest.mark.parametrize("kind", KINDS)
def test_bare_books_and_whole_engine_trade_as_the_naive_matcher(tmp_path: Path, kind: str) -> None:
    file = flow_of(tmp_path, kind)
    trades, book = naive_run(file.read_bytes())
    assert len(trades) > 100 * 32
    assert len(book) > 50 * 32
    for arguments in (["--bare"], ["--bare", "--batch", 7], [], ["--batch", 7]):
        out = tmp_path / "trades", tmp_path / "book"
        result = bench("--flow", file, "--trades", out[0], "--book", out[1], *arguments)
        assert result.exit_code == 0, result.output
        assert out[0].read_bytes() == trades
        assert out[1].read_bytes() == book


@pytest.mark.parametrize("batch", [1, 64, 10_000])
def test_a_batch_s_size_changes_nothing(tmp_path: Path, batch: int) -> None:
    flow = read_flow(flow_of(tmp_path))
    expected = run_engine(flow, 1000, lambda _: None)
    for run in (run_bare, run_engine):
        done = run(flow, batch, lambda _: None)
        assert (done.trades, done.book) == (expected.trades, expected.book)
        assert done.commands == 1500


def test_prices_of_any_width_and_sparse_books(tmp_path: Path) -> None:
    flow = make_flow(1500, symbols=1, seed=3, depth=200)
    for factor in (1, 63, 64, 65, 1 << 20):
        stretched = flow._replace(commands=flow.commands.copy())
        stretched.commands["price"] *= factor
        file = tmp_path / f"{factor}.bin"
        write_flow(file, stretched, seed=3)
        done = run_bare(read_flow(file), 100, lambda _: None)
        assert (done.trades, done.book) == naive_run(file.read_bytes())


def test_books_that_are_read_ahead_for() -> None:
    """Some thousands of orders are more than caches hold; reading ahead must change nothing."""
    flow = make_flow(1000, symbols=2, seed=5, depth=2500)
    bare, whole = (run(flow, 100, lambda _: None) for run in (run_bare, run_engine))
    assert len(bare.book) > 4096 * 32
    assert (bare.trades, bare.book) == (whole.trades, whole.book)


def test_what_it_prints_is_what_it_wrote(tmp_path: Path) -> None:
    file = flow_of(tmp_path)
    told = json.loads(bench("--flow", file, "--json", "--trades", tmp_path / "t").stdout)
    assert told["trades"] == (tmp_path / "t").stat().st_size // 32
    assert told["what"] == "engine"
    assert told["commands"] == 1500
    assert told["commands_per_second"] > 0
    assert f"{told['resting']:,} resting" in bench("--flow", file, "--bare").stdout


FIRST = 40  # where the first command stands
FAULTS = {
    "kind": (FIRST, "<B", 6, "kind 6 of command 0, at byte 40: not 1 to 5"),
    "side": (FIRST + 1, "<B", 0, "side 0 of command 0, at byte 41: not 1 or 2"),
    "symbol": (FIRST + 2, "<H", 3, "symbol 3 of command 0, at byte 42: not below 3"),
    "account": (FIRST + 4, "<I", 0, "account 0 of command 0, at byte 44: not 1 to"),
    "order id": (FIRST + 32 + 8, "<q", 5, "order_id 5 of command 1, at byte 80: not the next"),
    "price": (FIRST + 16, "<q", 2**40 + 1, f"price {2**40 + 1} of command 0, at byte 56: not 1"),
    "quantity": (FIRST + 24, "<q", -1, "quantity -1 of command 0, at byte 64: not 1 to"),
    "magic": (0, "<B", 0, "magic b'\\x00EFLOW01' at byte 0"),
    "symbols": (8, "<I", 0, "symbols 0 at byte 8"),
    "reserved": (12, "<I", 9, "reserved 9 at byte 12"),
    "count": (24, "<Q", 1499, "not the 53768 of the 180 + 1499 commands"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_file_is_refused_by_offset_and_value(tmp_path: Path, fault: str) -> None:
    file = flow_of(tmp_path)
    data = bytearray(file.read_bytes())
    offset, form, value, text = FAULTS[fault]
    pack_into(form, data, offset, value)
    file.write_bytes(data)
    result = bench("--flow", file)
    assert result.exit_code == 1
    assert text in result.output
    assert "Traceback" not in result.output


def test_a_cancel_is_of_an_order_before_it_and_its_owner(tmp_path: Path) -> None:
    file = flow_of(tmp_path)
    data = file.read_bytes()
    flow = read_flow(file)
    cancel = int((flow.commands["kind"] == 4).argmax())
    for field, form, value, text in (
        (8, "<q", 10**6, "that of an order before it"),
        (4, "<I", 2**31 - 1, "that of the order"),
        (16, "<q", 1, "price 1"),
    ):
        broken = bytearray(data)
        pack_into(form, broken, FIRST + 32 * cancel + field, value)
        file.write_bytes(broken)
        result = bench("--flow", file)
        assert f"command {cancel}, at byte {FIRST + 32 * cancel + field}" in result.output
        assert text in result.output


def test_a_file_that_ends_anywhere_or_is_not_there_is_refused(tmp_path: Path) -> None:
    file = flow_of(tmp_path, count=10)
    data = file.read_bytes()
    for length in (0, 39, 40, 41, len(data) - 1):
        file.write_bytes(data[:length])
        result = bench("--flow", file)
        assert result.exit_code == 1
        assert "is not a flow file" in result.output
    assert bench("--flow", tmp_path / "absent").exit_code == 2
    file.write_bytes(data)
    result = bench("--flow", file, "--book", tmp_path / "no" / "where")
    assert result.exit_code == 1
    assert "No such file" in result.output


def test_an_order_that_the_engine_refuses_ends_the_run(tmp_path: Path) -> None:
    flow = make_flow(10, depth=5)
    flow.commands["price"][0] = 2**40
    flow.commands["quantity"][0] = 2**48
    file = tmp_path / "flow.bin"
    write_flow(file, flow, seed=1)
    result = bench("--flow", file)
    assert result.exit_code == 1
    assert "NOTIONAL_TOO_LARGE" in result.output
