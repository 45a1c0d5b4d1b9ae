"""The real engine without the processes around it: commands in, records and reports out."""

from typing import Any

from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Report
from matching.core.engine import Engine
from tests.matching.core.busts import Busts
from vocabulary import codec
from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

ALICE, BOB = 1, 2
BTC, USDT, BTCUSDT = 1, 2, 1
OPS_SESSION, ALICE_SESSION, BOB_SESSION = 90, 11, 22
START_NS = 1_700_000_000_123_456_789

LISTINGS: list[c.Command] = [
    c.ListAsset(OPS_SESSION, 1, BTC, 8, b"BTC"),
    c.ListAsset(OPS_SESSION, 2, USDT, 8, b"USDT"),
    # tick 0.01 USDT, lot 0.00001 BTC, fees 0.1 % and 0.2 %, notional at least 5 USDT
    c.ListInstrument(
        OPS_SESSION, 3, BTCUSDT, BTC, USDT, 1_000, 10, 500_000_000, 1_000, 2_000, b"BTCUSDT"
    ),
]


class EngineRoom:
    """Lists BTCUSDT and funds Alice and Bob with 10 BTC and 1,000,000 USDT each."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.catalogue = Catalogue()
        self.orders = Orders(self.catalogue)
        self.order_entry = OrderEntry(self.catalogue)
        self.records: list[codec.Record] = []
        self.busts = Busts()
        self.now_ns = START_NS
        for command in LISTINGS:
            self.apply(command)
        number = len(LISTINGS)
        for account_id in (ALICE, BOB):
            for asset_id, amount_units in ((BTC, 10 * 10**8), (USDT, 1_000_000 * 10**8)):
                number += 1
                self.apply(c.CreditFunds(OPS_SESSION, number, account_id, asset_id, amount_units))

    def apply(self, command: c.Command) -> list[Report]:
        """Sequence a command; return what the gateway reports of it."""
        sequence = len(self.records) + 1
        data = codec.pack(command)
        events = self.engine.apply(data, sequence, self.now_ns + sequence)
        packed = codec.pack_record(sequence, self.now_ns + sequence, data, events)
        record, _ = codec.unpack_record(packed)
        self.records.append(record)
        for event in record.events:
            self.busts.note(event, sequence)
        return self.orders.apply(record)

    def enter(
        self,
        client_order_id: bytes,
        side: Side,
        quantity: str | None,
        price: str | None,
        *,
        account_id: int = ALICE,
        time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL,
        flags: OrderFlags = OrderFlags.NONE,
        expire_time_ns: int = 0,
        order_type: OrderType | None = None,
        **terms: Any,
    ) -> list[Report]:
        return self.apply(
            self.order_entry.enter_order(
                ALICE_SESSION if account_id == ALICE else BOB_SESSION,
                len(self.records) + 1,
                account_id,
                symbol="BTCUSDT",
                side=side,
                order_type=order_type or (OrderType.MARKET if price is None else OrderType.LIMIT),
                time_in_force=time_in_force,
                flags=flags,
                price=price,
                quantity=quantity,
                client_order_id=client_order_id,
                expire_time_ns=expire_time_ns,
                **terms,
            )
        )

    def amend(
        self, trade_id: int, price: str | None = None, quantity: str | None = None
    ) -> list[Report]:
        """Bust a trade or, where a price and a quantity are given, correct it."""
        facts = self.busts.by_trade[BTCUSDT, trade_id]
        if price is None or quantity is None:
            return self.apply(facts)
        instrument = self.catalogue.instruments[BTCUSDT]
        return self.apply(
            self.busts.correction(
                facts, instrument.price_ticks(price), instrument.quantity_lots(quantity)
            )
        )
