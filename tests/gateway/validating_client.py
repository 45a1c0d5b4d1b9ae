"""A FIX client that holds what it gets against our dictionary."""

from gateway.fix.codec import Decoder
from gateway.fix.dictionary import fix44
from tests.gateway.fix_client import FixClient


class ValidatingClient(FixClient):
    async def receive(self) -> dict[int, str]:
        message = await super().receive()
        raw = b"".join(b"%d=%b\x01" % (tag, value.encode()) for tag, value in self.last_pairs)
        [decoded] = Decoder().receive_data(raw)
        assert fix44().validate(decoded) is None, self.last_pairs
        return message
