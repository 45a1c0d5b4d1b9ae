"""A task of the gateway that fails is not passed over."""

import asyncio

import pytest

from gateway.edge import background


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tell how often the process would have ended."""
    ends: list[str] = []
    monkeypatch.setattr(background, "end_process", lambda: ends.append("ended"))
    return ends


async def test_an_error_ends_the_process(ended: list[str]) -> None:
    async def work() -> None:
        raise LookupError("on purpose")

    task = background.start(work(), "to fail")
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert ended == ["ended"]


async def test_a_task_that_is_stopped_does_not_end_it_even_if_it_fails_then(
    ended: list[str],
) -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise LookupError("on purpose")

    for task in (background.start(work(), "to fail"), None):
        await asyncio.sleep(0)
        await background.stop(task)
    await asyncio.sleep(0)
    assert ended == []
