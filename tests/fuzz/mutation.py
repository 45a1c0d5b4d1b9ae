"""Breaks valid bytes in the ways that reach deep into parsers. Seeded, so a finding comes again."""

from random import Random

INTERESTING = (b"\x00", b"\x01", b"\xff", b"=", b"|", b"{", b'"', b"-", b"9" * 30, b"8=FIX.4.4\x01")


def mutate(chance: Random, samples: list[bytes]) -> bytes:
    """Return one of the samples, or two of them joined, with one to six things wrong."""
    data = bytearray(chance.choice(samples))
    if chance.random() < 0.3:
        data += chance.choice(samples)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((1, 1, 2, 4, 8, chance.randrange(1 + len(data))))
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at : at + length] = chance.choice(INTERESTING)
            case 4:
                data[at : at + 4] = chance.randbytes(4)
            case _:
                other = chance.choice(samples)
                start = chance.randrange(len(other) + 1)
                data[at:at] = other[start : start + length]
    return bytes(data)


def pieces(chance: Random, data: bytes) -> list[bytes]:
    """Return the data as it may come from a socket."""
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(4)))
    ends = [*cuts, len(data)]
    return [data[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
