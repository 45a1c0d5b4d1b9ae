"""What the values of all messages of one shape have to be: a row of checks, worked out once."""

from collections.abc import Sequence

from gateway.fix.codec import FixMessage
from gateway.fix.formats import has_form


class Check:
    """What one field's value has to be: of a form, and one of some values if there are any."""

    def __init__(self, form: int, values: frozenset[bytes], *, is_list: bool) -> None:
        self.form = form
        self.values = values
        self.is_list = is_list
        # Most enumerations have values of one character only: a table says which.
        self.has_letters = bool(values) and not is_list and all(len(value) == 1 for value in values)
        self.letters = bytes(bytes([letter]) in values for letter in range(256))


class Layout:
    """The checks on messages whose tags, in their order, are these, and are without fault."""

    def __init__(self, tags: tuple[int, ...], checks: Sequence[Check]) -> None:
        self.tags = tags
        self.checks = list(checks)

    def takes(self, message: FixMessage) -> bool:
        """Say whether a message of this shape is without fault."""
        octets = message.raw
        for index in range(message.count):
            check = self.checks[index]
            start = message.start(index)
            stop = message.stop(index)
            if start == stop:
                return False
            if check.has_letters:
                letters = check.letters
                if stop - start != 1 or not letters[octets[start]]:
                    return False
            elif check.values:
                if not _is_listed(message.value(index), check):
                    return False
            elif not has_form(check.form, octets, start, stop):
                return False
        return True


def _is_listed(value: bytes, check: Check) -> bool:
    if check.is_list:
        return check.values.issuperset(value.split(b" "))
    return value in check.values
