"""What docs/deployment.md claims is shown by a test, which it names, and counted in the sizes."""

import re

import pytest

from agio.hot_paths import ROOT
from tests.deploy.templates import resources

TEXT = (ROOT / "docs" / "deployment.md").read_text()


def test_every_test_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    tests = " ".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) >= 10
    assert not {name for name in named if f"def {name}(" not in tests}


def test_every_path_named_exists() -> None:
    paths = re.findall(r"`((?:deploy|docs|tests)/[\w/.-]+)`", TEXT)
    paths += [f"docs/{name}" for name in re.findall(r"\]\(([\w-]+\.md)\)", TEXT)]
    assert paths
    missing = [path for path in paths if not (ROOT / path).exists() and not has_decision(path)]
    assert not missing


def has_decision(path: str) -> bool:
    """Decisions are named by their number."""
    parent, name = (ROOT / path).parent, (ROOT / path).name
    return bool(list(parent.glob(f"{name}-*.md")))


@pytest.mark.cloud
@pytest.mark.parametrize("column", ["small", "large"])
def test_the_cost_table_counts_what_the_sizes_say(column: str) -> None:
    from deploy.aws.sizes import SIZES

    size = SIZES[column]
    cells = cost_cells(["small", "large"].index(column) + 2)
    assert size.doors.instance_type in cells["nodes, doors"]
    assert f"{size.doors.least} to {size.doors.most} x 730" in cells["nodes, doors"]
    assert size.matching.instance_type in cells["nodes, matching"]
    assert f"{1 + size.ledger_readers} x 730 db.{size.ledger_instance}" in cells["Aurora"]
    nodes = f"{size.cache_shards} x {1 + size.cache_replicas} x 730 {size.cache_node}"
    assert nodes in cells["ElastiCache"]
    assert ("on demand" in cells["Kinesis"]) == (size.stream_shards == 0)
    assert f"{len(size.stream_consumers)} x " in cells["Kinesis enhanced fan-out"]
    assert f"{size.backup_days} days" in cells["AWS Backup"]
    if column == "small":
        alarms = resources(column, "AWS::CloudWatch::Alarm")
        assert cells["CloudWatch, X-Ray"].startswith(f"{len(alarms)}, ")


def cost_cells(column: int) -> dict[str, str]:
    """Return a column of the table of costs, by what each row is about."""
    rows = TEXT.split("## What it costs")[1].splitlines()
    split = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows if "|" in row]
    return {cells[0]: cells[column] for cells in split if len(cells) > column}
