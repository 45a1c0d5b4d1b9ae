"""Subscriptions over FIX, without sockets: what gathers, when it leaves, and what is forgotten."""

import pytest

from agio.hot_paths import ROOT
from gateway.fix.codec import Decoder, encode
from gateway.fix.timestamps import parse_utc_timestamp
from gateway.fix_application import subscriptions as fix_subscriptions
from gateway.fix_application.reference_data import ReferenceData
from gateway.market_view import FeedStatus
from tests.gateway.engine_room import BTCUSDT, OPS_SESSION, EngineRoom
from tests.gateway.recording_client import RecordingClient
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.catalogue import Catalogue
from vocabulary.market_data import Status, StatusChanged, StatusSnapshot
from vocabulary.types import TradingPhase

HEADER = "49=FIRM|56=AGIO|34=2|52=20260105-09:00:00.000|"


class Venue:
    """The reference data of an engine's listings, whose phases are told by hand."""

    def __init__(self, *, knows_status: bool = True) -> None:
        room = EngineRoom()
        self.takes_orders = True
        self.catalogue = Catalogue(self._on_listing)
        self.view = FeedStatus()
        self.reference = ReferenceData(
            self.catalogue, {"BTCUSDT": self.view}, lambda: self.takes_orders
        )
        for record in room.records:
            for event in record.events:
                self.catalogue.apply(event)
        self.reference.tell_changes(0)
        if knows_status:
            self.view.replace(StatusSnapshot(7, 0, Status(TradingPhase.TRADING, 0, 0, 0)))

    def _on_listing(self, event: e.Event) -> None:
        self.reference.on_listing(event)

    def ask(self, client: RecordingClient, msg_type: str, body: str) -> None:
        raw = encode(f"35={msg_type}|{HEADER}{body}".replace("|", "\x01").encode())
        [message] = Decoder().receive_data(raw)
        self.reference.by_request[msg_type.encode()].receive(client, message, 0)

    def change(self, phase: TradingPhase, sequence: int) -> None:
        change = StatusChanged(sequence, self.view.sequence, 0, Status(phase, 0, 0, 0))
        self.view.apply(change)
        self.reference.on_status("BTCUSDT", change, 0)


def test_what_changes_gathers_and_leaves_in_one_write() -> None:
    venue, client, other = Venue(), RecordingClient(), RecordingClient()
    venue.ask(client, "e", "324=s|55=BTCUSDT|263=1|")
    venue.reference.flush()  # an answer leaves by itself
    venue.change(TradingPhase.HALTED, 8)
    venue.change(TradingPhase.TRADING, 9)
    assert venue.reference.has_news
    assert client.flushes == 0
    venue.reference.flush()
    assert (client.flushes, other.flushes) == (1, 0)
    assert [fields["625"] for _, fields in client.sent] == ["TRADING", "HALTED", "TRADING"]
    venue.reference.flush()
    assert client.flushes == 1


def test_a_batch_of_changes_is_one_definition_as_it_is_then() -> None:
    venue, client = Venue(), RecordingClient()
    venue.ask(client, "c", "320=all|321=3|263=1|")
    venue.catalogue.apply(e.FeesChanged(BTCUSDT, 1, 2))
    venue.catalogue.apply(e.FeesChanged(BTCUSDT, 3, 4))
    venue.reference.tell_changes(0)
    venue.reference.tell_changes(0)
    (_, first), (kind, changed) = client.sent
    assert (kind, changed["980"], changed["35121"]) == (b"d", "M", "0.000003")
    assert "980" not in first


def test_who_leaves_is_told_nothing_more() -> None:
    venue, client = Venue(), RecordingClient()
    venue.ask(client, "e", "324=s|55=BTCUSDT|263=1|")
    venue.ask(client, "g", "335=g|263=1|")
    venue.change(TradingPhase.HALTED, 8)
    venue.reference.forget(client)
    told = len(client.sent)
    venue.takes_orders = False
    venue.reference.tick(0)
    venue.change(TradingPhase.TRADING, 9)
    venue.reference.flush()
    assert (len(client.sent), client.flushes) == (told, 0)
    venue.reference.forget(client)  # twice is no harm


def test_a_session_has_so_many_subscriptions_of_each_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fix_subscriptions, "SUBSCRIPTIONS_MAX", 2)
    venue, client = Venue(), RecordingClient()
    for number in range(3):
        venue.ask(client, "e", f"324=s{number}|55=BTCUSDT|263=1|")
        venue.ask(client, "g", f"335=s{number}|263=1|")
        venue.ask(client, "e", f"324=once{number}|55=BTCUSDT|263=0|")
    assert client.refused == [(b"0", "more than 2 subscriptions")]
    assert [kind for kind, _ in client.sent].count(b"f") == 5
    rejected = client.sent[-2][1]
    assert (rejected["340"], rejected["567"], rejected["58"]) == (
        "6",
        "99",
        "more than 2 subscriptions",
    )
    venue.ask(client, "e", "324=s0|55=BTCUSDT|263=2|")
    venue.ask(client, "e", "324=s9|55=BTCUSDT|263=1|")
    assert len(client.refused) == 1


def test_a_status_that_is_not_known_yet_may_be_asked_for_again() -> None:
    venue, client = Venue(knows_status=False), RecordingClient()
    venue.ask(client, "e", "324=s|55=BTCUSDT|263=1|")
    assert client.refused == [(b"4", "the status of BTCUSDT is not known yet, try again")]
    venue.view.replace(StatusSnapshot(7, 0, Status(TradingPhase.TRADING, 0, 0, 0)))
    venue.ask(client, "e", "324=s|55=BTCUSDT|263=1|")
    assert [fields["25044"] for _, fields in client.sent] == ["7"]


def test_nothing_listed_is_said() -> None:
    venue, client = Venue(), RecordingClient()
    venue.catalogue.apply(e.PhaseChanged(BTCUSDT, TradingPhase.DELISTED))
    venue.ask(client, "c", "320=all|321=3|")
    [(_, answer)] = client.sent
    assert (answer["323"], answer["393"]) == ("6", "0")


def test_the_band_is_the_engines_at_any_price() -> None:
    room, venue = EngineRoom(), Venue()
    for number, reference_ticks in enumerate((1, 3, 19, 10_007, 2**40 + 1), start=1_000):
        names = c.SetLimits.__struct_fields__[3:]
        band = (33_333 if name == "price_band_ppm" else 0 for name in names)
        room.apply(c.SetLimits(OPS_SESSION, number, BTCUSDT, *band))
        room.apply(c.SetReferencePrice(OPS_SESSION, number + 100, BTCUSDT, reference_ticks))
        for record in room.records[-2:]:
            for event in record.events:
                venue.catalogue.apply(event)
        client = RecordingClient()
        venue.ask(client, "e", "324=s|55=BTCUSDT|263=0|")
        [(_, told)] = client.sent
        instrument = venue.catalogue.instruments[BTCUSDT]
        ends = [instrument.price_ticks(told[tag]) for tag in ("1148", "1149")]
        assert tuple(ends) == room.engine.state.books[BTCUSDT].band(33_333)


def test_the_rules_of_engagement_show_what_is_sent() -> None:
    venue, client = Venue(), RecordingClient()
    limits = {"notional_units_min": 500_000_000, "price_band_ppm": 100_000}
    names = e.LimitsChanged.__struct_fields__[1:]
    venue.catalogue.apply(e.LimitsChanged(BTCUSDT, *(limits.get(name, 0) for name in names)))
    venue.catalogue.apply(e.ReferencePriceSet(BTCUSDT, 4_990_000))
    venue.catalogue.apply(e.PhaseChanged(BTCUSDT, TradingPhase.OPENING_AUCTION))
    venue.ask(client, "e", "324=btc|55=BTCUSDT|263=1|")
    auction = Status(TradingPhase.OPENING_AUCTION, 5_000_000, 120_000, 30_000)
    opening_ns = parse_utc_timestamp(b"20260105-08:59:59.990")
    venue.reference.on_status("BTCUSDT", StatusChanged(4_711, 7, opening_ns, auction), 0)
    venue.ask(client, "g", "335=venue|263=1|")
    venue.ask(client, "c", "320=all|321=3|263=1|")
    _, status, session, definition = client.bodies
    rules = (ROOT / "fix_specs" / "README.md").read_text().splitlines()
    for kind, number, time, body in (
        ("f", 3, "08:59:59.991", status),
        ("h", 4, "08:59:00.000", session),
        ("d", 5, "08:59:00.000", definition),
    ):
        head = f"35={kind}|49=AGIO|56=FIRM|34={number}|52=20260105-{time}|"
        example = encode(head.replace("|", "\x01").encode() + body)
        assert example.decode().replace("\x01", "|") in rules
