"""Balances over FIX: RequestForPositions(AN) and what answers it.

An AN is acknowledged by RequestForPositionsAck(AO), and each asset told by a PositionReport(AP). An
asset is a Currency(15), not an instrument; its group has three quantities: all that there is, what
is available, and what orders hold. FIX 4.4 vol. 5, "Position Maintenance".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application.trade_capture import Refused
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Asset

REQUEST_FOR_POSITIONS = b"AN"
REQUEST_FOR_POSITIONS_ACK = b"AO"
POSITION_REPORT = b"AP"

CUSTOMER_SIDE = 1
"""AccountType(581): carried on the customer side of the books."""

_R = values.PosReqResult


class Position(NamedTuple):
    """Smallest units of an asset that an account has available, and that its orders hold."""

    asset: Asset
    available_units: int
    held_units: int


class PositionCriteria(NamedTuple):
    """Which assets are asked for: one, or where that is None all that there is something of."""

    asset_id: int | None

    def choose(self, positions: Iterable[Position]) -> list[Position]:
        return [
            each
            for each in positions
            if (self.asset_id is None and (each.available_units or each.held_units))
            or each.asset.asset_id == self.asset_id
        ]


def criteria_of(request: FixMessage, account_id: int, catalogue: Catalogue) -> PositionCriteria:
    """Return what an AN asks for; the dictionary finds it valid. Raises `Refused`."""
    kind = request.get(tags.PosReqType) or b""
    if kind != values.PosReqType.POSITIONS:
        raise Refused(_R.REQUEST_NOT_SUPPORTED, f"PosReqType(724)={kind.decode()} is not supported")
    account = _text(request, tags.Account)
    if account and account != str(account_id):
        raise Refused(_R.NOT_AUTHORIZED, f"Account(1)={account[:32]} is not yours")
    name = _text(request, tags.Currency)
    if not name:
        return PositionCriteria(None)
    for asset in catalogue.assets.values():
        if asset.name == name:
            return PositionCriteria(asset.asset_id)
    raise Refused(_R.INVALID_OR_UNSUPPORTED_REQUEST, f"Currency(15)={name[:32]} is not an asset")


def ack(
    request: FixMessage,
    account_id: int,
    *,
    sequence: int = 0,
    count: int | None = None,
    refused: Refused | None = None,
) -> bytes:
    """Return the AO: so many reports follow, or none because it is refused or ends another."""
    result = _R.NO_POSITIONS_FOUND if count == 0 else _R.VALID_REQUEST
    status, text = values.PosReqStatus.COMPLETED, ""
    if refused is not None:
        result, status, text = refused.result, values.PosReqStatus.REJECTED, refused.text
    return b"".join([
        b"721=%d\x01710=%b\x01" % (sequence, request.get(tags.PosReqID) or b""),
        b"727=%d\x01" % count if count is not None else b"",
        b"728=%b\x01729=%b\x01" % (result, status),
        b"1=%d\x01581=%d\x01" % (account_id, CUSTOMER_SIDE),
        b"58=%b\x01" % text.encode("ascii", "replace") if text else b"",
    ])  # fmt: skip


def reports(
    request_id: bytes, account_id: int, sequence: int, positions: list[Position], now_ns: int
) -> list[bytes]:
    """Return the APs that answer a request: how it stands exactly after a record."""
    more = b"727=%d\x01" % len(positions)
    return [_report(request_id, account_id, sequence, each, now_ns, more) for each in positions]


def update(
    request_id: bytes, account_id: int, sequence: int, position: Position, now_ns: int
) -> bytes:
    """Return the AP that tells a subscriber what has changed."""
    return _report(request_id, account_id, sequence, position, now_ns, b"263=1\x01325=Y\x01")


def _report(
    request_id: bytes,
    account_id: int,
    sequence: int,
    position: Position,
    now_ns: int,
    more: bytes,
) -> bytes:
    asset, available, held = position
    return b"".join([
        f"721={sequence}-{asset.name}\x01".encode(),
        b"710=%b\x01724=0\x01%b728=0\x01" % (request_id, more),
        b"715=%b\x01" % format_utc_timestamp(now_ns)[:8],
        b"1=%d\x01581=%d\x01" % (account_id, CUSTOMER_SIDE),
        f"15={asset.name}\x01702=3\x01703=TOT\x01704={asset.text(available + held)}\x01".encode(),
        f"703=AVL\x01704={asset.text(available)}\x01".encode(),
        f"703=HLD\x01704={asset.text(held)}\x01".encode(),
    ])  # fmt: skip


def _text(request: FixMessage, tag: int) -> str:
    return (request.get(tag) or b"").decode("latin-1")
