import pytest

from vocabulary.codec import CodecError
from vocabulary.event_stream import (
    ENTRIES_BYTES_MAX,
    Block,
    Entry,
    pack_block,
    pack_entry,
    unpack_block,
)

ENTRIES = [Entry(7, 3, 1_700, 0, 1, b"eventone" * 9), Entry(9, 7, 1_800, 0, 1, b"eventtwo")]
BLOCK = pack_block(5, 7, 9, [pack_entry(entry) for entry in ENTRIES])


def test_a_block_comes_back_as_it_was() -> None:
    assert unpack_block(BLOCK) == Block(5, 7, 9, ENTRIES)


def test_the_largest_block_of_the_least_regular_bytes_fits_a_kinesis_record() -> None:
    noise = bytes(index * index * 2_654_435_761 >> 13 & 255 for index in range(ENTRIES_BYTES_MAX))
    assert len(pack_block(1, 1, 1, [noise])) < 2**20 - 256  # Kinesis counts the key of 256


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BLOCK[:20],
        BLOCK[:40],
        BLOCK[:-1],
        b"\2" + BLOCK[1:],  # version
        BLOCK[:24] + b"\3" + BLOCK[25:],  # count
        BLOCK[:28] + b"\1" + BLOCK[29:],  # size
        BLOCK[:32] + b"\xff\xff" + BLOCK[34:],
    ],
)
def test_what_is_no_whole_block_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        unpack_block(data)
