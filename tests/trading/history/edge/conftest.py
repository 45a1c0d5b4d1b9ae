import os

import pytest


@pytest.fixture
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not sync: nothing here pulls the machine's plug."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
