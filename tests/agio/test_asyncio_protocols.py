"""A compiled protocol has no base, so what asyncio calls of it has to be there by itself."""

import asyncio

import pytest

from gateway.edge.fix_acceptor import Connection as FixConnection
from matching.edge.connection import Connection as ServedConnection
from matching.edge.link_client import Connection as LinkConnection


@pytest.mark.parametrize("protocol", [FixConnection, ServedConnection, LinkConnection])
def test_a_compiled_protocol_has_what_asyncio_calls(protocol: type) -> None:
    called = {name for name in dir(asyncio.Protocol) if not name.startswith("_")}
    assert called == {name for name in called if callable(getattr(protocol, name, None))}
