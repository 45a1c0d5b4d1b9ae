"""Plain orders, cancels and replaces: from a FIX message's bytes straight into a command's.

Nearly all that a session sends is plain: fields of a short list, each with a usual value, and
nothing to refuse. That is read here without an object for a field or a command. Anything else,
another field, a rare value or a fault, is left to `orders`, which knows it all and says why it
refuses: what is taken here has the same command there.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from gateway import order_entry
from gateway.fix import codec, tags, values
from gateway.fix.codec import FixMessage
from vocabulary import instrument as instruments
from vocabulary.catalogue import Catalogue
from vocabulary.command_writer import CommandWriter
from vocabulary.instrument import Increment, Instrument
from vocabulary.types import (
    PRICE_TICKS_MAX,
    QUANTITY_LOTS_MAX,
    OrderFlags,
    OrderType,
    Side,
    TimeInForce,
)

# The fields that are read, and their places among those of a message.
_READ = (
    tags.ClOrdID,
    tags.ExecInst,
    tags.OrderID,
    tags.OrderQty,
    tags.OrdType,
    tags.OrigClOrdID,
    tags.Price,
    tags.Side,
    tags.Symbol,
    tags.TimeInForce,
)
_CL_ORD_ID, _EXEC_INST, _ORDER_ID, _ORDER_QTY, _ORD_TYPE = range(5)
_ORIG_CL_ORD_ID, _PRICE, _SIDE, _SYMBOL, _TIME_IN_FORCE = range(5, 10)
_PASSED_OVER = 10  # the place of all fields that say nothing of the order
_PLACES = 11
_PASSED_OVER_TAGS = (
    tags.BeginString,
    tags.BodyLength,
    tags.MsgType,
    tags.SenderCompID,
    tags.TargetCompID,
    tags.MsgSeqNum,
    tags.SendingTime,
    tags.CheckSum,
    tags.Account,
    tags.HandlInst,
    tags.TransactTime,
)
_TAG_MAX = max(_READ + _PASSED_OVER_TAGS)
_NOT_PLAIN = -1


def _place_of(tag: int) -> int:
    if tag in _READ:
        return _READ.index(tag)
    return _PASSED_OVER if tag in _PASSED_OVER_TAGS else _NOT_PLAIN


_PLACE_OF_TAG = array("i", [_place_of(tag) for tag in range(_TAG_MAX + 1)])


def _by_letter(plain: Mapping[bytes, int]) -> array[int]:
    """Return what each value of one letter stands for; b"" is a field that is absent."""
    table = array("i", [_NOT_PLAIN] * 256)
    for value, meaning in plain.items():
        table[ord(value or b"\0")] = meaning
    return table


_SIDES = _by_letter({values.Side.BUY: Side.BUY, values.Side.SELL: Side.SELL})
_ORDER_TYPES = _by_letter({
    values.OrdType.MARKET: OrderType.MARKET,
    values.OrdType.LIMIT: OrderType.LIMIT,
})  # fmt: skip
_TIMES_IN_FORCE = _by_letter({
    b"": TimeInForce.GOOD_TILL_CANCEL,
    values.TimeInForce.DAY: TimeInForce.DAY,
    values.TimeInForce.GOOD_TILL_CANCEL: TimeInForce.GOOD_TILL_CANCEL,
    values.TimeInForce.IMMEDIATE_OR_CANCEL: TimeInForce.IMMEDIATE_OR_CANCEL,
    values.TimeInForce.FILL_OR_KILL: TimeInForce.FILL_OR_KILL,
})  # fmt: skip
# A replaced order keeps its own, whichever of these is said.
_RESTING_TIMES_IN_FORCE = _by_letter({
    b"": TimeInForce.GOOD_TILL_CANCEL,
    values.TimeInForce.DAY: TimeInForce.DAY,
    values.TimeInForce.GOOD_TILL_CANCEL: TimeInForce.GOOD_TILL_CANCEL,
})  # fmt: skip
_FLAGS = _by_letter({
    b"": OrderFlags.NONE,
    values.ExecInst.PARTICIPATE_DONT_INITIATE: OrderFlags.POST_ONLY,
    values.ExecInst.CANCEL_ON_CONNECTION_LOSS: OrderFlags.CANCEL_WITH_SESSION,
})  # fmt: skip
_LIMIT: int = OrderType.LIMIT


class Steps:
    """Turns decimals into whole numbers of an instrument's ticks or lots."""

    def __init__(self, step: Increment, multiple: int, most: int) -> None:
        self.scale = step.scale
        self.mantissa = step.mantissa
        self.multiple = multiple
        self.most = most

    def count(self, octets: bytes, start: int, stop: int) -> int:
        """Return how many steps the decimal between two places has; -1 if that isn't plain."""
        scaled = instruments.scaled_at(octets, start, stop, self.scale)
        if scaled < 0 or scaled % self.mantissa:
            return _NOT_PLAIN
        steps = scaled // self.mantissa
        return steps if steps <= self.most and steps % self.multiple == 0 else _NOT_PLAIN


class Traded:
    """An instrument, and what reads its prices and quantities."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.instrument_id = instrument.instrument_id
        self.name = instrument.symbol
        self.symbol = instrument.symbol.encode()
        self.prices = Steps(instrument.tick, instrument.price_increment_ticks, PRICE_TICKS_MAX)
        self.quantities = Steps(
            instrument.lot, instrument.quantity_increment_lots, QUANTITY_LOTS_MAX
        )


class PlainOrders:
    """Packs the plain requests of one session, which trades for one account."""

    def __init__(self, catalogue: Catalogue, session_id: int, account_id: int) -> None:
        self._listed = catalogue.instrument_by_symbol
        self._commands = CommandWriter(session_id, account_id)
        self._traded: dict[bytes, Traded] = {}
        self._last: Traded | None = None
        self._fields = array("q", bytes(8 * _PLACES))

    def enter_order(self, message: FixMessage, session_number: int) -> bytes | None:
        """Return the command of a NewOrderSingle(D), which the dictionary finds valid.

        None if it isn't plain.
        """
        if not self._find_fields(message):
            return None
        traded = self._instrument(message)
        side = _SIDES[self._letter(message, _SIDE)]
        order_type = _ORDER_TYPES[self._letter(message, _ORD_TYPE)]
        time_in_force = _TIMES_IN_FORCE[self._letter(message, _TIME_IN_FORCE)]
        flags = _FLAGS[self._letter(message, _EXEC_INST)]
        if traded is None or side < 0 or order_type < 0 or time_in_force < 0 or flags < 0:
            return None
        price_ticks = 0
        if order_type == _LIMIT:
            price_ticks = self._steps(message, _PRICE, traded.prices)
        elif self._fields[_PRICE] >= 0:
            return None
        quantity_lots = self._steps(message, _ORDER_QTY, traded.quantities)
        if price_ticks < 0 or quantity_lots < 0 or not self._is_id(message, _CL_ORD_ID):
            return None
        return self._commands.enter_order(
            session_number,
            traded.instrument_id,
            side,
            order_type,
            time_in_force,
            flags,
            price_ticks,
            quantity_lots,
            message.raw,
            message.start(self._fields[_CL_ORD_ID]),
            message.stop(self._fields[_CL_ORD_ID]),
        )

    def cancel_order(self, message: FixMessage, session_number: int) -> bytes | None:
        """Return the command of an OrderCancelRequest(F). Likewise."""
        if not self._find_fields(message):
            return None
        traded = self._instrument(message)
        order_id = self._named_order(message)
        if traded is None or order_id < 0 or not self._is_id(message, _CL_ORD_ID):
            return None
        return self._commands.cancel_order(
            session_number,
            traded.instrument_id,
            order_id,
            message.raw,
            message.start(self._fields[_CL_ORD_ID]),
            message.stop(self._fields[_CL_ORD_ID]),
            message.start(self._fields[_ORIG_CL_ORD_ID]) if order_id == 0 else 0,
            message.stop(self._fields[_ORIG_CL_ORD_ID]) if order_id == 0 else 0,
        )

    def replace_order(self, message: FixMessage, session_number: int) -> bytes | None:
        """Return the command of an OrderCancelReplaceRequest(G). Likewise.

        The order is one of which no trade was undone: that adds to its quantity.
        """
        if not self._find_fields(message):
            return None
        traded = self._instrument(message)
        order_id = self._named_order(message)
        order_type = _ORDER_TYPES[self._letter(message, _ORD_TYPE)]
        time_in_force = _RESTING_TIMES_IN_FORCE[self._letter(message, _TIME_IN_FORCE)]
        if traded is None or order_id < 0 or order_type != _LIMIT or time_in_force < 0:
            return None
        price_ticks = self._steps(message, _PRICE, traded.prices)
        quantity_lots = self._steps(message, _ORDER_QTY, traded.quantities)
        if price_ticks < 0 or quantity_lots < 0 or not self._is_id(message, _CL_ORD_ID):
            return None
        return self._commands.replace_order(
            session_number,
            traded.instrument_id,
            order_id,
            price_ticks,
            quantity_lots,
            message.raw,
            message.start(self._fields[_CL_ORD_ID]),
            message.stop(self._fields[_CL_ORD_ID]),
            message.start(self._fields[_ORIG_CL_ORD_ID]) if order_id == 0 else 0,
            message.stop(self._fields[_ORIG_CL_ORD_ID]) if order_id == 0 else 0,
        )

    def _find_fields(self, message: FixMessage) -> bool:
        """Note which field of the message is which, -1 for none; say whether all are plain."""
        fields = self._fields
        for place in range(_PLACES):
            fields[place] = -1
        for index in range(message.count):
            tag = message.tag(index)
            place = _PLACE_OF_TAG[tag] if 0 < tag <= _TAG_MAX else _NOT_PLAIN
            if place < 0:
                return False
            fields[place] = index
        return True

    def _instrument(self, message: FixMessage) -> Traded | None:
        """Return what Symbol(55) names, as it is listed now."""
        index = self._fields[_SYMBOL]
        if index < 0:
            return None
        traded = self._last
        if traded is None or not message.is_at(index, traded.symbol):
            traded = self._traded.get(message.value(index))
        if traded is None or self._listed.get(traded.name) is not traded.instrument:
            traded = self._look_up(message.value(index))
        self._last = traded
        return traded

    def _look_up(self, symbol: bytes) -> Traded | None:
        listed = self._listed.get(symbol.decode("latin-1"))
        if listed is None:
            return None
        traded = self._traded[symbol] = Traded(listed)
        return traded

    def _letter(self, message: FixMessage, place: int) -> int:
        """Return a value of one letter: 0 where the field is absent, 255 for a longer one."""
        index = self._fields[place]
        if index < 0:
            return 0
        octets = message.raw
        start = message.start(index)
        return octets[start] if message.stop(index) - start == 1 else 255

    def _steps(self, message: FixMessage, place: int, steps: Steps) -> int:
        index = self._fields[place]
        if index < 0:
            return _NOT_PLAIN
        return steps.count(message.raw, message.start(index), message.stop(index))

    def _named_order(self, message: FixMessage) -> int:
        """Return OrderID(37), which counts where it is given; 0 for an OrigClOrdID(41) instead.

        -1 where neither is plain.
        """
        index = self._fields[_ORDER_ID]
        if index < 0:
            return 0 if self._is_id(message, _ORIG_CL_ORD_ID) else _NOT_PLAIN
        order_id = codec.number_at(message.raw, message.start(index), message.stop(index))
        return order_id if order_id > 0 else _NOT_PLAIN

    def _is_id(self, message: FixMessage, place: int) -> bool:
        index = self._fields[place]
        return index >= 0 and order_entry.is_client_order_id(
            message.raw, message.start(index), message.stop(index)
        )
