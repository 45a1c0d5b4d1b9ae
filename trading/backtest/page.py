"""The report as one HTML page that needs nothing else: figures, curves as SVG, fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from trading.backtest.performance import Performance, Point, drawdowns
from trading.backtest.result import Backtest, FillRow

WIDTH, HEIGHT = 860, 150
POINTS_MAX = 1_000
FILLS_MAX = 500
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1c2733; margin: 2rem auto; max-width: 62rem;
       padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
table { border-collapse: collapse; } td, th { padding: .15rem .9rem .15rem 0; text-align: left;
        font-variant-numeric: tabular-nums; } th { font-weight: 600; color: #5b6b7b; }
svg { display: block; background: #f6f8fa; margin: .2rem 0 1rem; max-width: 100%; height: auto; }
polyline { fill: none; stroke-width: 1.3; vector-effect: non-scaling-stroke; }
text { font: 11px system-ui, sans-serif; fill: #5b6b7b; }
.warning { background: #fff4d6; padding: .4rem .8rem; margin: .3rem 0; }
"""


def page(backtest: Backtest) -> str:
    """Return the page."""
    title = f"{backtest.strategy}, {_time(backtest.from_ns)} to {_time(backtest.to_ns)}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        _table(_terms(backtest)),
        *(f'<p class="warning">{escape(text)}</p>' for text in backtest.warnings),
    ]
    for performance in backtest.symbols:
        parts += _symbol(performance, backtest.fills[performance.symbol])
    parts.append("<h2>What this takes for granted</h2><ul>")
    parts += [f"<li>{escape(text)}</li>" for text in backtest.assumptions]
    parts.append("</ul></body></html>\n")
    return "\n".join(parts)


def summary(performance: Performance) -> list[tuple[str, str]]:
    """Return the figures of a symbol as names and texts."""
    quote, base = performance.quote, performance.base
    sharpe = "none" if performance.sharpe is None else f"{performance.sharpe:.2f}"
    return [
        ("profit", f"{performance.profit:.8f} {quote}"),
        ("deepest drawdown", f"{performance.drawdown_max:.8f} {quote}"),
        ("ratio, Sharpe's kind", f"{sharpe} (per second, times the root of a year's seconds)"),
        ("fills", f"{performance.fills}, {performance.maker_fills} of them as maker"),
        ("turnover", f"{performance.turnover:.8f} {quote}"),
        ("fees", f"{performance.fees:.8f} {quote}"),
        ("bought, sold", f"{performance.bought:.8f}, {performance.sold:.8f} {base}"),
        ("position, largest", f"{performance.position:.8f}, {performance.position_max:.8f} {base}"),
    ]


def _terms(backtest: Backtest) -> list[tuple[str, str]]:
    parameters = ", ".join(f"{name} {value}" for name, value in backtest.parameters.items())
    return [
        ("parameters", parameters or "the defaults"),
        ("latency", f"{backtest.latency_us} us each way"),
        ("fees", f"maker {backtest.maker_fee_ppm} ppm, taker {backtest.taker_fee_ppm} ppm"),
        ("market events", f"{backtest.market_events:,}"),
        ("decisions", f"{backtest.decisions:,}"),
    ]


def _symbol(performance: Performance, fills: Sequence[FillRow]) -> Iterator[str]:
    curve = performance.curve
    yield f"<h2>{escape(performance.symbol)}</h2>"
    yield _table(summary(performance))
    if len(curve) > 1:
        falls = dict(zip(curve, drawdowns(curve), strict=True))
        quote, base = performance.quote, performance.base
        yield _chart(f"Equity, {quote}", curve, lambda point: point.equity, "#1f6feb")
        yield _chart(f"Drawdown, {quote}", curve, lambda point: -falls[point], "#c93c37")
        yield _chart(f"Position, {base}", curve, lambda point: point.position, "#57606a")
        priced = [point for point in curve if point.price]
        yield _chart(f"Middle of the book, {quote}", priced, lambda point: point.price, "#2da44e")
    if fills:
        yield (
            f"<h3>Fills, the last {FILLS_MAX}</h3>" if len(fills) > FILLS_MAX else "<h3>Fills</h3>"
        )
        yield "<table><tr><th>time, UTC<th>order<th>side<th>price<th>quantity<th>fee<th></tr>"
        for fill in fills[-FILLS_MAX:]:
            role = "maker" if fill.is_maker else "taker"
            terms = (fill.client_order_id, fill.side, fill.price, fill.quantity, fill.fee)
            cells = (_time(fill.time_ns), *terms, role)
            yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells) + "</tr>"
        yield "</table>"


def _chart(title: str, points: Sequence[Point], value: Callable[[Point], float], color: str) -> str:
    """Return a line of at most `POINTS_MAX` points, with its least and greatest value."""
    if len(points) < 2:
        return ""
    stride = -(-len(points) // POINTS_MAX)
    kept = [*points[:-1:stride], points[-1]]
    values = [value(point) for point in kept]
    least, most = min(values), max(values)
    first_ns, span_ns = kept[0].time_ns, max(1, kept[-1].time_ns - kept[0].time_ns)
    span = most - least or 1.0
    line = " ".join(
        f"{(point.time_ns - first_ns) / span_ns * WIDTH:.1f},"
        f"{4 + (most - at) / span * (HEIGHT - 8):.1f}"
        for point, at in zip(kept, values, strict=True)
    )
    return (
        f"<h3>{escape(title)}</h3>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<polyline points="{line}" stroke="{color}"/>'
        # + 0.0: no minus before a zero.
        f'<text x="4" y="14">{most + 0.0:.8g}</text>'
        f'<text x="4" y="{HEIGHT - 5}">{least + 0.0:.8g}</text></svg>'
    )


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{escape(name)}<td>{escape(text)}</tr>" for name, text in rows)
    return f"<table>{cells}</table>"


def _time(time_ns: int) -> str:
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ns // 1_000_000 % 1000:03}"
