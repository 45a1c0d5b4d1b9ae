"""Packed messages as 64-bit words: a view of them or, where compiled, their address.

`packed.pxd` has the compiled form. A memoryview would be handed from function to function by its
208 bytes; an address is one word.
"""


def words_of(data: bytes) -> memoryview:
    """Return the words of some bytes, which must be kept as long as the words are used."""
    return memoryview(data).cast("q")


def text_at(data: bytes, start: int, size: int) -> bytes:
    """Return so many bytes from a place on."""
    return data[start : start + size]
