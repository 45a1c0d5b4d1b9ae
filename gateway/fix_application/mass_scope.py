"""Which orders a mass request is about: those of one symbol, of this session, or of the account.

Alike for OrderMassCancelRequest(q) and OrderMassStatusRequest(AF), but for the field that says it.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import Sides

SECURITY, SESSION, ALL_ORDERS = b"1", b"6", b"7"
"""MassCancelRequestType(530) and MassStatusReqType(585) have the same values for these."""

_SIDES = {None: Sides.BOTH, values.Side.BUY: Sides.BUY, values.Side.SELL: Sides.SELL}


class MassScope(NamedTuple):
    """`symbol` None is for every symbol."""

    of_session: bool
    symbol: str | None
    sides: Sides


def mass_scope(message: FixMessage, kind_tag: int, kind_name: str) -> MassScope:
    """Return what a valid message says in the field `kind_tag`. Raises `Refused`."""
    kind = message.get(kind_tag) or b""
    symbol, side = message.get(tags.Symbol), message.get(tags.Side)
    said = f"{kind_name}({kind_tag})={kind.decode()}"
    if kind not in (SECURITY, SESSION, ALL_ORDERS):
        raise _unsupported(f"{said} is not supported")
    if kind == SECURITY and symbol is None:
        raise _unsupported(f"{said} needs Symbol(55)")
    if kind == ALL_ORDERS and symbol is not None:
        raise _unsupported(f"{said} is for all, and Symbol(55) for one")
    if side not in _SIDES:
        raise _unsupported(f"Side(54)={(side or b'').decode('latin-1')} is not supported")
    name = symbol.decode("latin-1") if symbol is not None else None
    return MassScope(kind == SESSION, name, _SIDES[side])


def _unsupported(text: str) -> Refused:
    return Refused(RejectReason.UNSUPPORTED_ORDER, text)
