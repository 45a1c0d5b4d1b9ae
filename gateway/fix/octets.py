"""Bytes into and out of an array of octets; compiled, each is a copy of memory (`octets.pxd`)."""


def paste(octets: bytearray, at: int, data: bytes) -> None:
    """Put bytes at a place, behind which there is room for them."""
    octets[at : at + len(data)] = data


def put_word(octets: bytearray, at: int, value: int) -> None:
    """Put a number as 8 bytes, the lowest first, as processors have them that this runs on."""
    octets[at : at + 8] = value.to_bytes(8, "little")


def cut(octets: bytearray, start: int, stop: int) -> bytes:
    """Return the bytes between two places."""
    return bytes(octets[start:stop])


def total(octets: bytearray, start: int, stop: int) -> int:
    """Return the sum of the bytes between two places, modulo 256."""
    return sum(octets[start:stop]) & 0xFF
