"""A signature opens one session, over restarts, for as long as it could open another."""

import resource
from pathlib import Path

import pytest

from gateway.edge import used_signatures
from gateway.edge.used_signatures import UsedSignatures


def test_a_signature_is_used_once(tmp_path: Path) -> None:
    used = UsedSignatures(tmp_path / "used", now_ns=0)
    assert used.use(b"one", until_ns=100, now_ns=10)
    assert used.use(b"two", until_ns=200, now_ns=10)
    assert not used.use(b"one", until_ns=100, now_ns=20)
    used.close()
    again = UsedSignatures(tmp_path / "used", now_ns=150)
    assert not again.use(b"two", until_ns=200, now_ns=150)
    assert again.use(b"one", until_ns=300, now_ns=150)  # only its time would still refuse it
    again.close()


def test_a_write_that_a_crash_cut_short_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "used"
    used = UsedSignatures(file, now_ns=0)
    used.use(b"one", until_ns=100, now_ns=10)
    used.close()
    file.write_bytes(file.read_bytes() + b"torn")
    again = UsedSignatures(file, now_ns=20)
    assert not again.use(b"one", until_ns=100, now_ns=20)
    assert again.use(b"two", until_ns=100, now_ns=20)
    again.close()
    assert file.stat().st_size == 80


def test_the_file_keeps_what_is_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_signatures, "_COMPACTED_AT", 10)
    used = UsedSignatures(tmp_path / "used", now_ns=0)
    for number in range(95):
        assert used.use(b"%d" % number, until_ns=number + 5, now_ns=number)
    used.close()
    assert (tmp_path / "used").stat().st_size < 15 * 40


def test_a_file_that_can_not_be_compacted_goes_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used_signatures, "_COMPACTED_AT", 2)
    used = UsedSignatures(tmp_path / "used", now_ns=0)
    (tmp_path / "used.new").mkdir()
    for number in range(5):
        assert used.use(b"%d" % number, until_ns=100, now_ns=10)
    used.close()
    (tmp_path / "used.new").rmdir()
    again = UsedSignatures(tmp_path / "used", now_ns=20)
    assert not any(again.use(b"%d" % number, until_ns=100, now_ns=20) for number in range(5))
    again.close()


def test_a_full_disk_leaves_no_part_of_an_entry(tmp_path: Path) -> None:
    used = UsedSignatures(tmp_path / "used", now_ns=0)
    assert used.use(b"one", until_ns=100, now_ns=10)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            used.use(b"two", until_ns=100, now_ns=10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert used.use(b"three", until_ns=100, now_ns=10)
    used.close()
    again = UsedSignatures(tmp_path / "used", now_ns=20)
    assert not again.use(b"three", until_ns=100, now_ns=20)
    assert again.use(b"two", until_ns=100, now_ns=20)
    again.close()


def test_what_one_gateway_has_let_in_no_other_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used_signatures, "_COMPACTED_AT", 3)
    gateways = [UsedSignatures(tmp_path / "used", now_ns=0) for _ in range(2)]
    for number in range(20):  # each writes the file anew now and then
        one, other = gateways[number % 2], gateways[1 - number % 2]
        assert one.use(b"%d" % number, until_ns=1_000, now_ns=10)
        assert not other.use(b"%d" % number, until_ns=1_000, now_ns=10)
    for gateway in gateways:
        gateway.close()
