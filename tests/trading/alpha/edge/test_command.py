import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from agio import run_files
from agio.child_process import free_port
from agio.hot_paths import ROOT
from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.alpha.edge.alpha_run import noise_run, patiently
from tests.trading.feeds.live_feeds import feeds, source_url


def agio(*arguments: str, data: Path, **settings: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AGIO_DATA": str(data)}
    return subprocess.Popen(
        [sys.executable, "-m", "agio", *arguments],
        cwd=ROOT,
        env=environment | {f"AGIO_{name.upper()}": value for name, value in settings.items()},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_run_that_is_not_there_or_not_right_is_told(tmp_path: Path) -> None:
    unknown = agio("alpha", "first", data=tmp_path)
    assert "run 'first': there is no" in unknown.communicate(timeout=30)[1]
    assert unknown.returncode == 2

    run_files.write(tmp_path, noise_run(orders_max=500), {})
    wrong = agio("alpha", "first", data=tmp_path, redis_url="redis://127.0.0.1:1/0")
    assert "alpha: noise: orders_max = 500: Input should be" in wrong.communicate(timeout=30)[1]
    assert wrong.returncode == 2


async def test_an_instance_tells_its_health_and_metrics_and_hands_over_at_sigterm(
    tmp_path: Path, redis_url: str, venue: JsonVenue
) -> None:
    run_files.write(tmp_path, noise_run(), {})
    port = free_port()

    def told(path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
                body: bytes = answer.read()
        except OSError:
            return ""
        return body.decode()

    def health() -> dict[str, Any]:
        state: dict[str, Any] = json.loads(told("/health") or "{}")
        return state

    async with feeds(tmp_path, redis_url, source_url(venue)) as handler:
        process = agio(
            "alpha",
            "first",
            data=tmp_path,
            redis_url=redis_url,
            feeds_port=str(handler.port),
            alpha_metrics_port=str(port),
        )
        try:
            await patiently(lambda: bool(health().get("leads")), 30.0)
            await patiently(lambda: health().get("untaken", 0) > 0, 30.0)
            await patiently(lambda: "agio_alpha_leads 1.0" in told("/metrics"), 30.0)
            assert "agio_alpha_takeovers_total" in told("/metrics")
            process.terminate()
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
            process.communicate()
    assert list((tmp_path / "runs" / "first" / "alpha").glob("*.snapshot"))
