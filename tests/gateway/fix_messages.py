"""FIX messages in a line of text: `11=a1|55=BTCUSDT`, as requests of a session would be."""

from gateway.fix.codec import SOH, Decoder, FixMessage, encode
from gateway.fix.message_buffer import MessageBuffer
from gateway.fix_application.reports import put_message
from gateway.orders import Report
from vocabulary.catalogue import Catalogue

ORDER = "11=a1|55=BTCUSDT|54=1|60=20240101-00:00:00|38=0.5|40=2|44=50000"
CANCEL = "11=x1|41=a1|55=BTCUSDT|54=1|60=20240101-00:00:00"
REPLACE = "11=r1|41=a1|55=BTCUSDT|54=1|60=20240101-00:00:00|38=0.6|40=2|44=50001"
HEADER_TAGS = {"43", "97", "122"}
STATUS = "11=a1|55=BTCUSDT|54=1"


def message(msg_type: str, text: str, number: int = 2) -> FixMessage:
    """Return a message as it was received; a field given again takes the place of the first."""
    fields = dict(field.split("=", 1) for field in text.split("|"))
    fields = {
        "35": msg_type, "49": "C", "56": "AGIO", "34": str(number), "52": "20240101-00:00:00",
    } | {tag: fields.pop(tag) for tag in HEADER_TAGS & fields.keys()} | fields  # fmt: skip
    text = "".join(f"{tag}={value}\x01" for tag, value in fields.items() if value)
    [decoded] = Decoder().receive_data(encode(text.encode()))
    return decoded


def message_of(report: Report, catalogue: Catalogue) -> tuple[str, bytes]:
    """Return MsgType(35) and the fields of the message that tells of a report."""
    out = MessageBuffer()
    msg_type = put_message(out, report, catalogue)
    return msg_type.decode(), out.fields()


def fields_of(body: bytes) -> dict[int, str]:
    """Return a body's fields by tag; each may be there once."""
    pairs = [field.split(b"=", 1) for field in body.split(SOH) if field]
    assert len({tag for tag, _ in pairs}) == len(pairs), body
    return {int(tag): value.decode() for tag, value in pairs}
