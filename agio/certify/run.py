"""A whole certification: the checks one after the other, and what came of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from agio.certify.bench import Bench, Failed
from agio.certify.checks import CHECKS, ENTER_ORDER, Check
from agio.certify.line import Line
from agio.certify.proof import ExpectedProof
from agio.certify.venue import CertificationVenue
from gateway.edge.tls import Tls
from gateway.fix.session import SessionSettings

LOG_ON = "log on again with CancelOnDisconnect(8013)=S; a reset, ResetSeqNumFlag(141)=Y, may help"

Tell = Callable[[str, str], None]


class Grade(msgspec.Struct, frozen=True):
    """What came of a check; `text` says why it was not passed."""

    name: str
    passed: bool
    text: str
    seconds: float


def chosen(names: Sequence[str]) -> list[Check]:
    """Return the checks of these names, all where there is none, in their order.

    Raises `ValueError`.
    """
    unknown = set(names) - {check.name for check in CHECKS}
    if unknown:
        known = ", ".join(check.name for check in CHECKS)
        raise ValueError(f"no check {', '.join(sorted(unknown))}; there are {known}")
    return [check for check in CHECKS if not names or check.name in names]


async def certify(
    checks: Sequence[Check],
    *,
    directory: Path,
    comp_id: str,
    host: str,
    port: int,
    patience_s: float,
    tell: Tell,
    when_open: Callable[[int], object],
    proof: ExpectedProof | None = None,
    tls: Tls | None = None,
) -> list[Grade]:
    """Run checks against the client that connects to `port` (0: a free one, told `when_open`).

    `tell` gets each check's name and what the client is to do, `patience_s` is how long it has.
    Without a `proof` any password will do; with `tls` the client comes over TLS or not at all.
    """
    settings = SessionSettings(comp_id.encode(), logon_timeout_ns=round(patience_s * 1e9))
    venue = CertificationVenue(directory, settings)
    line = Line(venue, settings)
    bench = Bench(venue, line, patience_s, proof)
    when_open(await line.start(host, port, tls))
    try:
        return [await _grade(bench, check, tell) for check in checks]
    finally:
        await line.stop()
        venue.close()


async def _grade(bench: Bench, check: Check, tell: Tell) -> Grade:
    started_s = time.monotonic()
    text = ""
    try:
        if not bench.is_up and check.name != "logon":
            tell("again", LOG_ON)
            await bench.until_up("no Logon(A)")
        if check.needs_order and not bench.open_orders():
            tell("order", ENTER_ORDER)
            await bench.until(lambda: bool(bench.open_orders()), "no open order to check with")
        bench.forget()
        tell(check.name, check.task)
        if check.name == "logon":
            await bench.until_up("no Logon(A) that the venue could accept")
        await check.run(bench)
    except Failed as failed:
        text = str(failed)
        # What the one check broke must not be the next one's fault.
        bench.hang_up()
    return Grade(check.name, not text, text, round(time.monotonic() - started_s, 3))
