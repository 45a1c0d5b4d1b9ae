"""The engine says exactly what the naive venue says, and never contradicts itself."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from matching.core import invariants
from matching.core.engine import Engine
from tests.matching.core import lists
from tests.matching.core.busts import Busts
from tests.matching.core.drawn import (
    ACCOUNTS,
    BOTH_FLAGS,
    LISTED,
    WITH_SESSION,
    accounts,
    bands,
    fees,
    instruments,
    names,
    new_names,
    preventions,
    prices,
    quantities,
    sides,
    steps,
    tiers,
)
from tests.oracles.naive_lists import NaiveListVenue
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import Record, pack, pack_record, unpack_record
from vocabulary.types import (
    INT64_MAX,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    Sides,
    TimeInForce,
    TradingPhase,
)

LISTINGS = (
    c.ListAsset(7, 1, asset_id=1, scale=2, name=b"BTC"),
    c.ListAsset(7, 2, asset_id=2, scale=2, name=b"USD"),
    c.ListAsset(7, 3, asset_id=3, scale=0, name=b"ETH"),
    c.ListInstrument(7, 4, 1, 1, 2, 4, 2, 8, 1500, 2500, b"BTCUSD"),
    c.ListInstrument(7, 5, 2, 3, 1, 1, 1, 0, 0, 0, b"ETHBTC"),
)


class Both:
    """The engine and the naive venue, asked the same."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.venue = NaiveListVenue()
        self.sequence = 0
        self.now_ns = 0
        self.busts = Busts()
        for listing in LISTINGS:
            self.ask(listing)

    def ask(self, command: c.Command) -> list[e.Event]:
        self.sequence += 1
        self.now_ns += 1
        packed = pack(command)
        data = pack_record(1, 1, packed, self.engine.apply(packed, self.sequence, self.now_ns))
        record: Record
        record, _ = unpack_record(data)
        assert record.events == self.venue.apply(command, self.sequence, self.now_ns)
        for event in record.events:
            self.busts.note(event)
        return record.events

    def check(self) -> None:
        invariants.check(self.engine.state)
        assert self.engine.next_expiry_ns == self.venue.next_expiry_ns()
        assert self.engine.funds() == self.venue.funds()
        for instrument_id, book in self.engine.state.books.items():
            for side, ladder in ((Side.BUY, book.buys), (Side.SELL, book.sells)):
                assert [
                    (order.order_id, order.price_ticks, order.leaves_lots, order.hidden_lots)
                    for level in ladder
                    for order in level
                ] == [
                    (order.order_id, order.price, order.leaves, order.hidden)
                    for order in self.venue.queue(instrument_id, side)
                ]


class EngineAndNaiveVenue(RuleBasedStateMachine):
    @initialize(
        units=st.lists(st.integers(1, 4000), min_size=6, max_size=6),
        matches_max=st.sampled_from((1, 2, 3, 9, 9, 9)),
        names_max=st.sampled_from((1, 2, 5, 99, 99, 99)),
    )
    def list_and_fund(self, units: list[int], matches_max: int, names_max: int) -> None:
        self.both = Both()
        self.both.engine.matcher.matches_max = self.both.venue.matches_max = matches_max
        self.both.engine.state.name_rows.closed_max = names_max
        self.both.venue.closed_names_max = names_max
        self.entered: list[c.Command] = []
        for index, amount in enumerate(units):
            account_id, asset_id = ACCOUNTS[index % 3], 1 + index // 3
            self.both.ask(c.CreditFunds(7, 6, account_id, asset_id, amount))

    @rule(
        account_id=accounts,
        instrument_id=instruments,
        side=sides,
        order_type=st.sampled_from((OrderType.LIMIT, OrderType.LIMIT, *OrderType)),
        trigger=prices,
        trailing=st.sampled_from((0, 0, 0, 1, 2_000, 5_000, 5_001)),
        amount=st.sampled_from((0, 0, 1, 9, 40, 170, 3_000, -1, INT64_MAX)),
        display=st.sampled_from((0, 0, 1, 2, 3, 5, -1, 2**42)),
        time_in_force=st.sampled_from((TimeInForce.GOOD_TILL_CANCEL, *TimeInForce)),
        flags=st.sampled_from((OrderFlags.NONE, OrderFlags.POST_ONLY, WITH_SESSION, BOTH_FLAGS)),
        price=prices,
        quantity=quantities,
        name=new_names,
        hours=st.sampled_from((None, None, 0, 1, 1, 30)),
        prevention=preventions,
    )
    def enter(
        self,
        account_id: int,
        instrument_id: int,
        side: Side,
        order_type: OrderType,
        time_in_force: TimeInForce,
        flags: OrderFlags,
        price: int,
        quantity: int,
        name: bytes | None,
        hours: int | None,
        prevention: SelfTradePrevention,
        trigger: int,
        trailing: int,
        amount: int,
        display: int,
    ) -> None:
        if name is None:
            name = b"o%d" % self.both.sequence
        if order_type % 2 and price < 8:
            price = 0
        if order_type in (OrderType.MARKET, OrderType.LIMIT) and trigger < 8:
            trigger = trailing = 0
        if trailing and trigger < 8:
            trigger = 0
        if order_type is not OrderType.MARKET and amount < 170:
            amount = 0
        if amount and amount < 170:
            quantity = 0
        never_rests = (TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL)
        if (order_type % 2 or time_in_force in never_rests) and display < 5:
            display = 0
        if hours is None and time_in_force is TimeInForce.GOOD_TILL_DATE:
            hours = 1
        expire_time_ns = 0
        if hours is not None and (time_in_force is TimeInForce.GOOD_TILL_DATE or hours == 30):
            expire_time_ns = self.both.now_ns + hours * 3600 * 10**9
        terms = (
            side,
            order_type,
            time_in_force,
            flags,
            price,
            quantity,
            name,
            expire_time_ns,
            prevention,
            trigger,
            trailing,
            amount,
            display,
        )
        session_id = 8 + self.both.sequence % 2
        self.entered.append(c.EnterOrder(session_id, 1, account_id, instrument_id, *terms))
        self.both.ask(self.entered[-1])

    @rule(drawn=lists.drawn)
    def enter_list(self, drawn: lists.Drawn) -> None:
        self.entered.append(lists.command(self.both.sequence, *drawn))
        self.both.ask(self.entered[-1])

    @precondition(lambda self: self.entered)
    @rule(which=st.integers(0, 30))
    def enter_again(self, which: int) -> None:
        again = self.entered[-1 - which % len(self.entered)]
        self.both.ask(msgspec.structs.replace(again, session_id=9))

    @rule(hours=st.sampled_from((1, 12, 24)))
    def wait(self, hours: int) -> None:
        self.both.now_ns += hours * 3600 * 10**9 - 1
        self.expire()

    @rule(steps_max=steps)
    def expire(self, steps_max: int = 0) -> None:
        self.both.ask(c.ExpireOrders(8, 1, steps_max))

    @rule(
        account_id=accounts,
        instrument_id=instruments,
        age=st.integers(0, 8),
        price=prices,
        quantity=quantities,
        name=new_names,
        original=names,
    )
    def replace(
        self,
        account_id: int,
        instrument_id: int,
        age: int,
        price: int,
        quantity: int,
        name: bytes | None,
        original: bytes,
    ) -> None:
        if name is None:
            name = b"r%d" % self.both.sequence
        order_id = 0 if age % 2 else max(self.both.sequence - age, 0)
        terms = (order_id, price, quantity, name, original)
        self.both.ask(c.ReplaceOrder(8, 1, account_id, instrument_id, *terms))

    @rule(account_id=accounts, instrument_id=instruments, age=st.integers(0, 8), original=names)
    def cancel(self, account_id: int, instrument_id: int, age: int, original: bytes) -> None:
        order_id = 0 if age % 2 else max(self.both.sequence - age, 0)
        self.both.ask(c.CancelOrder(8, 1, account_id, instrument_id, order_id, b"", original))

    @rule(
        account_id=accounts,
        instrument_id=st.sampled_from((0, 1, 2, 3)),
        sides=st.sampled_from((Sides.BOTH, *Sides)),
        entered_by=st.sampled_from((0, 0, 8, 9)),
        flags=st.sampled_from((OrderFlags.NONE, OrderFlags.NONE, WITH_SESSION, BOTH_FLAGS)),
    )
    def cancel_all(
        self,
        account_id: int,
        instrument_id: int,
        sides: Sides,
        entered_by: int,
        flags: OrderFlags,
    ) -> None:
        chosen = (sides, entered_by, flags)
        self.both.ask(c.CancelAllOrders(8, 1, account_id, instrument_id, b"", *chosen))

    @precondition(lambda self: self.both.busts.by_trade)
    @rule(
        which=st.integers(0, 30),
        price=st.sampled_from((None, 1, 3, 8, 0, 2**41)),
        lots=st.sampled_from((1, 2, 0, 30)),
        amendments=st.sampled_from((None, None, 0, 1)),
        account_id=st.sampled_from((None, None, None, 0, 9)),
    )
    def amend(
        self,
        which: int,
        price: int | None,
        lots: int,
        amendments: int | None,
        account_id: int | None,
    ) -> None:
        """Bust or correct a trade, as it stands by now or was, or one that never was."""
        trades = list(self.both.busts.by_trade.values())
        changes: dict[str, int] = {}
        if amendments is not None:
            changes["amendments"] = amendments
        if account_id is not None:
            changes["buyer_account_id"] = account_id
        if which == 30:
            changes["trade_id"] = 1_000
        bust = msgspec.structs.replace(trades[-1 - which % len(trades)], **changes)
        self.both.ask(self.both.busts.correction(bust, price, lots) if price is not None else bust)

    @rule(account_id=accounts, and_resume=st.sampled_from((True, True, False)))
    def suspend(self, account_id: int, and_resume: bool) -> None:
        self.both.ask(c.SuspendAccount(8, 1, account_id))
        if and_resume:
            self.resume(account_id)

    @rule(account_id=accounts)
    def resume(self, account_id: int) -> None:
        self.both.ask(c.ResumeAccount(8, 1, account_id))

    @rule(account_id=accounts, prevention=preventions)
    def set_self_trade_prevention(self, account_id: int, prevention: SelfTradePrevention) -> None:
        self.both.ask(c.SetSelfTradePrevention(8, 1, account_id, prevention))

    @rule(
        account_id=accounts,
        asset_id=st.sampled_from((1, 2, 3, 4)),
        units=st.one_of(st.integers(1, 3000), st.sampled_from((0, -1, INT64_MAX))),
    )
    def credit(self, account_id: int, asset_id: int, units: int) -> None:
        self.both.ask(c.CreditFunds(8, 1, account_id, asset_id, units))

    @rule(
        instrument_id=instruments,
        phase=st.sampled_from((*LISTED, *3 * (TradingPhase.TRADING,))),
        steps_max=steps,
    )
    def change_phase(self, instrument_id: int, phase: TradingPhase, steps_max: int) -> None:
        self.both.ask(c.ChangePhase(8, 1, instrument_id, phase, steps_max))

    @rule(instrument_id=st.sampled_from((2, 3)), steps_max=steps)
    def delist(self, instrument_id: int, steps_max: int) -> None:
        self.both.ask(c.ChangePhase(8, 1, instrument_id, TradingPhase.DELISTED, steps_max))

    @rule(instrument_id=instruments, fees=fees)
    def set_fees(self, instrument_id: int, fees: tuple[int, int]) -> None:
        self.both.ask(c.SetFees(8, 1, instrument_id, *fees))

    @rule(
        instrument_id=instruments,
        quantities=st.sampled_from(((0, 0), (0, 0), (2, 15), (3, 2))),
        notionals=st.sampled_from(((0, 0), (8, 0), (8, 120))),
        open_orders=st.sampled_from((0, 0, 1, 3)),
        bands=st.tuples(bands, bands),
        volatility=st.sampled_from(((0, 0), (250_000, 3600 * 10**9), (600_000, 1), (1, 0))),
    )
    def set_limits(
        self,
        instrument_id: int,
        quantities: tuple[int, int],
        notionals: tuple[int, int],
        open_orders: int,
        bands: tuple[int, int],
        volatility: tuple[int, int],
    ) -> None:
        limits = (*quantities, *notionals, open_orders, *bands, *volatility)
        self.both.ask(c.SetLimits(8, 1, instrument_id, *limits))

    @rule(
        instrument_id=instruments,
        phase=st.sampled_from((None, TradingPhase.HALTED, TradingPhase.PRE_OPEN)),
        steps=st.sampled_from(((1, 1), (2, 1), (1, 2), (2, 5), (3, 3), (0, 1), (1, 2**48 + 1))),
        cancels_max=st.sampled_from((0, 1, 2, 9, 9, 9, -1)),
    )
    def change_increments(
        self,
        instrument_id: int,
        phase: TradingPhase | None,
        steps: tuple[int, int],
        cancels_max: int,
    ) -> None:
        if phase is not None:
            self.both.ask(c.ChangePhase(8, 1, instrument_id, phase))
        self.both.ask(c.ChangeIncrements(8, 1, instrument_id, *steps, cancels_max))
        if phase is TradingPhase.HALTED:
            self.both.ask(c.ChangePhase(8, 1, instrument_id, TradingPhase.TRADING))

    @rule(instrument_id=instruments, price=st.sampled_from((0, 3, 5, -1, 2**41)))
    def set_reference_price(self, instrument_id: int, price: int) -> None:
        self.both.ask(c.SetReferencePrice(8, 1, instrument_id, price))

    @rule(tier=tiers, instrument_id=st.sampled_from((0, 0, 1, 2, 3)), fees=st.none() | fees)
    def set_tier_fees(self, tier: int, instrument_id: int, fees: tuple[int, int] | None) -> None:
        if fees is None:
            self.both.ask(c.ClearTierFees(8, 1, tier, instrument_id))
        else:
            self.both.ask(c.SetTierFees(8, 1, tier, instrument_id, *fees))

    @rule(account_id=st.sampled_from((*ACCOUNTS, 0)), tier=tiers)
    def assign_fee_tier(self, account_id: int, tier: int) -> None:
        self.both.ask(c.AssignFeeTier(8, 1, account_id, tier))

    @invariant()
    def agrees(self) -> None:
        self.both.check()


EngineAndNaiveVenue.TestCase.settings = settings(
    max_examples=300, stateful_step_count=60, deadline=None
)
TestEngineAndNaiveVenue = EngineAndNaiveVenue.TestCase
