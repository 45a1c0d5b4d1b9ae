"""Nothing that the engine remembers is forgotten by a snapshot."""

import random
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import rule

from agio.flow_runs import Translation
from bench.flow import make_flow
from matching.core import invariants, snapshot
from matching.core.client_order_ids import ClientOrderId, ClientOrderIds
from matching.core.engine import Engine
from matching.core.holds import Account, Funds
from matching.core.ladder import Ladder, Page
from matching.core.name_rows import NameRows
from matching.core.order import Level, Order
from matching.core.order_book import OrderBook
from matching.core.order_lists import OrderList
from matching.core.order_table import OrderTable
from matching.core.snapshot_fields import FIELDS
from matching.core.state import State
from matching.core.triggers import Trigger, Triggers, Turn
from tests.matching.core import test_against_naive_venue as naive
from tests.matching.core.requests import LISTINGS, enter, stop
from tests.matching.core.test_scenarios import SCENARIOS, Table
from vocabulary import commands as c
from vocabulary.codec import pack
from vocabulary.commands import CancelAllOrders, EnterOrder, list_orders
from vocabulary.limits import NO_LIMITS
from vocabulary.types import Contingency, OrderFlags, OrderType, Side, TimeInForce


def keep_bounds(engine: Engine, before: Engine) -> None:
    """Give an engine the constants that another one was given."""
    engine.matcher.matches_max = before.matcher.matches_max
    engine.state.name_rows.closed_max = before.state.name_rows.closed_max


def restored(engine: Engine) -> Engine:
    """Return an engine with the same state, by way of what stands in a file."""
    encoded = [msgspec.msgpack.encode(section) for section in snapshot.save(engine.state)]
    copy = Engine()
    for data in encoded:
        snapshot.restore(copy.state, msgspec.msgpack.decode(data, type=tuple[str, list[tuple]]))  # type: ignore[type-arg]
    return copy


ROWS = NameRows()
ACCOUNT = Account(1, ROWS)
FUNDS = Funds(1)
ENTERED = EnterOrder(
    1,
    1,
    1,
    1,
    Side.BUY,
    OrderType.LIMIT,
    TimeInForce.GOOD_TILL_CANCEL,
    OrderFlags.NONE,
    5,
    5,
    b"a",
)
TURN = Turn(ENTERED)
SAMPLES = {
    type(sample): sample
    for sample in (
        State(),
        ACCOUNT,
        FUNDS,
        OrderBook(1, 1, 1, NO_LIMITS, FUNDS, FUNDS),
        Order(),
        ClientOrderId(1, 1, 1, b"a"),
        ClientOrderIds(ROWS),
        ROWS,
        OrderTable(),
        Ladder(1),
        Page(1),
        Level(1),
        Trigger(3, 1, 1, 1),
        Triggers(),
        TURN,
        OrderList(1, 1, Order(), Order()),
    )
}
COMPUTED = {"cumulative_lots", "client_order_id"}
# Of an order that was not let through yet:
UNSET = {"account", "spends", "receives"}


def fields_of(sample: object) -> set[str]:
    """Return the names of what an object consists of: if compiled, its class has them."""
    kind = type(sample)
    return {
        name
        for name in {*chain(*map(vars, kind.mro())), *getattr(sample, "__dict__", {})} - COMPUTED
        if not name.startswith("_") and not callable(getattr(kind, name, None))
    }


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.__name__)
def test_every_field_is_saved_or_known_to_follow_from_what_is(kind: type) -> None:
    saved, derived = map(set, FIELDS[kind])
    assert fields_of(SAMPLES[kind]) - UNSET == (saved | derived) - UNSET
    assert not saved & derived


class RestartedTable(Table):
    """A scenario's table whose engine is replaced by its own snapshot after each command."""

    def ask(self, command: c.Command) -> list[str]:
        said = super().ask(command)
        before, self.engine = self.engine, restored(self.engine)
        keep_bounds(self.engine, before)
        assert self.engine.state_hash() == before.state_hash()
        return said


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_goes_on_as_it_did_from_a_snapshot_behind_each_command(path: Path) -> None:
    table = RestartedTable()
    lines = path.read_text().splitlines()
    requests = [line for line in lines if line.strip() and not line.startswith(("#", " "))]
    said = [f"    {each}" for request in requests for each in table.answer(request)]
    assert said == [line for line in lines if line.startswith(" ")]


class RestartedEngineAndNaiveVenue(naive.EngineAndNaiveVenue):
    """The venue and an engine that is now and then replaced by its own snapshot."""

    @rule()
    def restart(self) -> None:
        before = self.both.engine
        self.both.engine = restored(before)
        keep_bounds(self.both.engine, before)
        assert self.both.engine.state_hash() == before.state_hash()


RestartedEngineAndNaiveVenue.TestCase.settings = settings(
    max_examples=80, stateful_step_count=60, deadline=None
)
TestRestartedEngineAndNaiveVenue = RestartedEngineAndNaiveVenue.TestCase


@pytest.mark.parametrize("seed", range(3))
def test_i5_an_engine_restored_anywhere_in_a_long_flow_goes_on_as_the_first(seed: int) -> None:
    chance = random.Random(seed)
    translation = Translation(make_flow(8_000, seed=seed, depth=500))
    flow = translation.opening + translation.take(8_500)
    engine, follower = Engine(), Engine()
    for sequence, command in enumerate(flow, 1):
        if chance.random() < 0.001:
            follower = restored(engine)
            invariants.check(follower.state)
            assert follower.state_hash() == engine.state_hash()
        timestamp_ns = sequence * 10**10  # a day passes, and closed orders are forgotten
        events = engine.apply(command, sequence, timestamp_ns)
        assert follower.apply(command, sequence, timestamp_ns) == events
    assert follower.state_hash() == engine.state_hash()
    assert engine.open_order_count > 100


def test_who_entered_an_order_is_remembered_however_it_waits() -> None:
    first, second = (enter(session_id=5, client_order_id=name) for name in (b"first", b"second"))
    assert isinstance(first, EnterOrder)
    assert isinstance(second, EnterOrder)
    commands = (
        *LISTINGS,
        enter(session_id=5, client_order_id=b"rests"),
        stop(session_id=5),
        list_orders(Contingency.ONE_TRIGGERS_OTHER, b"list", first, second),
        enter(session_id=6, client_order_id=b"other"),
    )
    engine = Engine()
    for sequence, command in enumerate(commands, 1):
        engine.apply(pack(command), sequence, sequence)
    open_count = engine.open_order_count
    cancel = pack(CancelAllOrders(7, 1, 1, 0, b"", entered_by=5)), len(commands) + 1, 99
    copy = restored(engine)
    assert copy.apply(*cancel) == engine.apply(*cancel)
    assert copy.open_order_count == open_count - 4
