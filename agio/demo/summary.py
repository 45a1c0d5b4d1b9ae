"""What a demo came to, and whether anything was off."""

import msgspec

from agio.demo.reckoning import Reckoning
from agio.demo.tally import Tally


class ProtocolSummary(msgspec.Struct, frozen=True):
    """What one protocol's strategies were told: a trade between two of them counts for each."""

    orders: int
    trades: int
    refused: int


class Summary(msgspec.Struct, frozen=True):
    """The demo's result; `problems` is empty if nothing was off."""

    seconds: float
    protocols: dict[str, ProtocolSummary]
    trades: int
    trades_settled: int
    ledger_sums: dict[str, str]
    journal_equals_ledger: bool
    last_sequence: int
    state_hash: str
    problems: list[str]


def summarise(
    seconds: float,
    tallies: list[Tally],
    problems: list[str],
    restarts: dict[str, int],
    reckoning: Reckoning,
) -> Summary:
    problems = list(problems)
    problems += [f"{name} had to be restarted" for name, times in restarts.items() if times]
    problems += [
        f"no {what} over {tally.protocol}"
        for tally in tallies
        for what, number in (("orders", tally.orders), ("trades", tally.fills))
        if number == 0
    ]
    if reckoning.trades != reckoning.trades_settled:
        problems.append(f"{reckoning.trades_settled} of {reckoning.trades} trades settled")
    problems += [
        f"the ledger's sum of {asset} is {total}"
        for asset, total in reckoning.ledger_sums.items()
        if total.strip("0.")
    ]
    if not reckoning.is_journal_ledger:
        problems.append("journal and ledger differ")
    return Summary(
        seconds=round(seconds, 1),
        protocols={
            tally.protocol: ProtocolSummary(tally.orders, tally.fills, tally.rejects)
            for tally in tallies
        },
        trades=reckoning.trades,
        trades_settled=reckoning.trades_settled,
        ledger_sums=reckoning.ledger_sums,
        journal_equals_ledger=reckoning.is_journal_ledger,
        last_sequence=reckoning.last_sequence,
        state_hash=reckoning.state_hash,
        problems=problems,
    )


def summary_text(summary: Summary) -> str:
    lines = [f"ran for {summary.seconds:g} s"]
    lines += [
        f"{protocol:10} {told.orders} orders, {told.trades} trades, {told.refused} refused"
        for protocol, told in summary.protocols.items()
    ]
    lines.append(f"trades settled: {summary.trades_settled} of {summary.trades}")
    lines += [f"ledger sum of {asset}: {total}" for asset, total in summary.ledger_sums.items()]
    lines.append(f"journal = ledger: {'yes' if summary.journal_equals_ledger else 'NO'}")
    lines.append(f"journal at {summary.last_sequence}, state {summary.state_hash}")
    lines += [f"OFF: {problem}" for problem in summary.problems]
    return "\n".join(lines)
