"""The venue behind a certification: the real engine, orders and FIX sessions, in one process."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from gateway.auth import Identity
from gateway.edge.fix_sessions import FixSessions
from gateway.fix.session import SessionSettings
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Order
from matching.core.engine import Engine
from vocabulary import codec
from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

SYMBOL = "BTCUSDT"
CLIENT, OTHER = 1, 2
_BTC, _USDT, _BTCUSDT = 1, 2, 1
_DESK_SESSION, _OTHER_SESSION = 1, 2
_ORDERS_PER_S_MAX = 1_000
_COMMANDS_MAX = 10_000
"""How many requests of one read it takes at most."""

# Tick 0.01 USDT, lot 0.00001 BTC, as BTCUSDT of a venue that lists by itself.
_LISTINGS: tuple[c.Command, ...] = (
    c.ListAsset(_DESK_SESSION, 1, _BTC, 8, b"BTC"),
    c.ListAsset(_DESK_SESSION, 2, _USDT, 8, b"USDT"),
    c.ListInstrument(
        _DESK_SESSION, 3, _BTCUSDT, _BTC, _USDT, 1_000, 10, 0, 200, 400, SYMBOL.encode()
    ),
)


class CertificationVenue:
    """BTCUSDT, the client's account and one that trades with it. FIX files go to `directory`.

    It is the matching process, too, as FIX sessions see it: commands are carried out by `carry_on`.
    """

    connected = True

    def __init__(self, directory: Path, settings: SessionSettings) -> None:
        self.orders = Orders(Catalogue())
        self._order_entry = OrderEntry(self.orders.catalogue)
        self._engine = Engine()
        self._sequence = 0
        self._submitted: deque[c.Command] = deque()
        self._numbers = 10
        self.sessions = FixSessions(
            directory,
            settings,
            order_entry=self._order_entry,
            orders=self.orders,
            matching=self,
            rate_per_s=_ORDERS_PER_S_MAX,
        )
        self.sessions.open_known(time.time_ns())
        for command in _LISTINGS:
            self._carry_out(command)
        for account_id in (CLIENT, OTHER):
            for asset_id, amount_units in ((_BTC, 10**12), (_USDT, 10**17)):
                self._numbers += 1
                self._carry_out(
                    c.CreditFunds(_DESK_SESSION, self._numbers, account_id, asset_id, amount_units)
                )

    @property
    def room(self) -> int:
        """How many more commands it takes now."""
        return _COMMANDS_MAX - len(self._submitted)

    def submit(self, command: c.Command) -> None:
        """Take a command; it is carried out with the next `carry_on`."""
        self._submitted.append(command)

    def submit_packed(self, session_id: int, commands: list[bytes]) -> None:  # noqa: ARG002
        """Likewise, of packed commands."""
        self._submitted += [codec.unpack_command(data)[0] for data in commands]

    def carry_on(self) -> None:
        """Carry out what was submitted, and write the reports of it."""
        while self._submitted:
            self._carry_out(self._submitted.popleft())
        self.sessions.flush()

    def tick(self) -> None:
        """Do what time asks for: orders of who is gone are canceled."""
        self.sessions.tick(time.time_ns())
        self.carry_on()

    def open_orders(self) -> list[Order]:
        """Return the client's open orders, oldest first."""
        return list(self.orders.open_orders(CLIENT))

    def trade_with(self, order: Order, lots: int) -> None:
        """Let the other account take so much of an order, at its price."""
        self._numbers += 1
        instrument = order.instrument
        self.submit(
            self._order_entry.enter_order(
                _OTHER_SESSION,
                self._numbers,
                OTHER,
                symbol=SYMBOL,
                side=Side.SELL if order.side is Side.BUY else Side.BUY,
                order_type=OrderType.LIMIT,
                time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
                flags=OrderFlags.NONE,
                price=instrument.price_text(order.price_ticks),
                quantity=instrument.quantity_text(lots),
                client_order_id=b"other-%d" % self._numbers,
            )
        )
        self.carry_on()

    def close(self) -> None:
        self.sessions.close()

    def identity(self, comp_id: bytes) -> Identity:
        return Identity(CLIENT, comp_id)

    def _carry_out(self, command: c.Command) -> None:
        self._sequence += 1
        now_ns = time.time_ns()
        data = codec.pack(command)
        events = self._engine.apply(data, self._sequence, now_ns)
        packed = codec.pack_record(self._sequence, now_ns, data, events)
        record, _ = codec.unpack_record(packed)
        self.sessions.routes.on_record(record, self.orders.apply(record), now_ns)
