"""Plays the tables in tests/scenarios: what is asked, what the engine says, the book.

In the tables one lot is one unit of BTC, and a lot at a price of one tick costs one unit of USD, so
that every figure can be checked in the head. A line is a request; what follows it indented is all
that the engine said; `book` and `funds` draw the state. Orders are named by their client order ids.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from matching.core import invariants
from matching.core.engine import Engine
from matching.core.order import Order
from tests.matching.core.busts import Busts
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack, pack_record, unpack_record
from vocabulary.types import (
    SECOND_ORDER,
    THIRD_ORDER,
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    Sides,
    TimeInForce,
    TradingPhase,
)

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.txt"))
ASSETS = {"BTC": 1, "USD": 2}
ENTER = re.compile(
    r"(\w+) (buys|sells) (\d+|for \d+ USD)(?: showing (\d+))? at (\d+|market) as (\w+)"
    r"(?: (on stop|on profit) at (\d+)| trailing by (\d+) bps)?"
    r"(?: (ioc|fok|post-only|today|for (\d+) hours?))?"
    r"(?: preventing by (expire-taker|expire-maker|expire-both|decrement|none))?"
    r"(?: in session (\d+))?( ending with it)?"
)
LISTED = re.compile(r" (or|then) (?=\w+ (?:buys|sells) )")
REPLACE = re.compile(r"(\w+) replaces (\w+) with (\d+) at (\d+) as (\w+)")
CANCEL = re.compile(r"(\w+) cancels (\w+)(?: of session (\d+))?( that end with it)?")
AMEND = re.compile(r"(?:bust|correct) (\d+)(?: to (\d+) at (\d+))?")
SUSPEND = re.compile(r"(suspend|resume) (\w+)")
PREVENT = re.compile(r"(\w+) prevents self-trades by ([a-z-]+)")
CREDIT = re.compile(r"(\w+) is credited (\d+) (\w+)")
WAIT = re.compile(r"(\d+) hours? pass(?:es)?(?:, at most (\d+) steps?)?")
SIDES = {"all": Sides.BOTH, "buys": Sides.BUY, "sells": Sides.SELL}
HOUR_NS = 3600 * 10**9
PERCENT = 10_000  # parts per million
TIMES_IN_FORCE = {
    "ioc": TimeInForce.IMMEDIATE_OR_CANCEL,
    "fok": TimeInForce.FILL_OR_KILL,
    "today": TimeInForce.DAY,
}
LIMITS = re.compile(
    r"limits:(?: quantity (\d+) to (\d+))?,?(?: worth (\d+) to (\d+))?,?(?: open orders (\d+))?,?"
    r"(?: band (\d+)%)?,?(?: collar (\d+)%)?,?(?: volatility (\d+)% for (\d+) hours?)?(?: none)?"
)
PHASE = re.compile(r"phase (\w+(?: \w+)?)(?:, at most (\d+) steps?)?")
CLOCK = re.compile(r"the clock goes on, at most (\d+) steps?")
INCREMENTS = re.compile(r"steps (\d+) and (\d+)(?:, canceling (\d+))?")
MATCHES = re.compile(r"at most (\d+) matches in one command")
NAMES = re.compile(r"at most (\d+) names of an account's closed orders")
REFERENCE = re.compile(r"reference price (\d+)")
FEES = re.compile(r"fees maker (-?\d+) taker (\d+)")
TIER_FEES = re.compile(r"tier (\d+)( here)? pays maker (-?\d+) taker (\d+)")
CLEARED_TIER = re.compile(r"tier (\d+)( here)? pays as all do")
ASSIGN = re.compile(r"(\w+) is in tier (\d+)")


class Table:
    """One scenario's engine, and the names that people and orders have in it."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.sequence = 0
        self.now_ns = 0
        self.accounts: dict[str, int] = {}
        self.orders: dict[int, str] = {}
        self.busts = Busts()
        self.new_name = ""  # that the replace under way asks for
        for name, asset_id in ASSETS.items():
            self.ask(c.ListAsset(1, 1, asset_id, 0, name.encode()))
        self.ask(c.ListInstrument(1, 1, 1, 1, 2, 1, 1, 0, 0, 0, b"BTCUSD"))

    def ask(self, command: c.Command) -> list[str]:
        self.sequence += 1
        packed = pack(command)
        events = self.engine.apply(packed, self.sequence, self.now_ns)
        record, _ = unpack_record(pack_record(self.sequence, 0, packed, events))
        invariants.check(self.engine.state)
        for event in record.events:
            self.busts.note(event, self.sequence)
        return [self.said(event) for event in record.events]

    def account(self, name: str) -> int:
        return self.accounts.setdefault(name, len(self.accounts) + 1)

    def answer(self, request: str) -> list[str]:
        """Return what follows a request's line, without its indentation."""
        if request == "book":
            return list(self.book())
        if request == "funds":
            return list(self.funds())
        if match := MATCHES.fullmatch(request):  # no command: a constant of the venue
            self.engine.matcher.matches_max = int(match[1])
            return []
        if match := NAMES.fullmatch(request):  # another one
            self.engine.state.name_rows.closed_max = int(match[1])
            return []
        if match := WAIT.fullmatch(request):
            self.now_ns += int(match[1]) * HOUR_NS
            return self.ask(c.ExpireOrders(1, 1, int(match[2] or 0)))
        return self.ask(self.command(request))

    def command(self, request: str) -> c.Command:
        if LISTED.search(request):
            return self.entered_list(*LISTED.split(request))
        if match := ENTER.fullmatch(request):
            return self.entered(match)
        if match := REPLACE.fullmatch(request):
            who, name, lots, price, new_name = match.groups()
            self.new_name = new_name
            terms = (int(price), int(lots), new_name.encode(), name.encode())
            return c.ReplaceOrder(1, 1, self.account(who), 1, 0, *terms)
        if match := CANCEL.fullmatch(request):
            who, name, session, ends = match.groups()
            if name in SIDES:
                flags = OrderFlags.CANCEL_WITH_SESSION if ends else OrderFlags.NONE
                scope = (SIDES[name], int(session or 0), flags)
                return c.CancelAllOrders(1, 1, self.account(who), 0, b"", *scope)
            return c.CancelOrder(1, 1, self.account(who), 1, 0, b"", name.encode())
        return self.desk_command(request)

    def desk_command(self, request: str) -> c.Command:
        if match := AMEND.fullmatch(request):
            trade_id, lots, price = match.groups()
            bust = self.busts.by_trade[1, int(trade_id)]
            return self.busts.correction(bust, int(price), int(lots)) if price else bust
        if match := SUSPEND.fullmatch(request):
            account_id = self.account(match[2])
            if match[1] == "suspend":
                return c.SuspendAccount(1, 1, account_id)
            return c.ResumeAccount(1, 1, account_id)
        if match := PREVENT.fullmatch(request):
            who, prevention = match.groups()
            return c.SetSelfTradePrevention(1, 1, self.account(who), prevention_named(prevention))
        if match := CREDIT.fullmatch(request):
            who, units, asset = match.groups()
            return c.CreditFunds(1, 1, self.account(who), ASSETS[asset], int(units))
        if match := TIER_FEES.fullmatch(request):
            tier, here, maker, taker = match.groups()
            return c.SetTierFees(1, 1, int(tier), 1 if here else 0, int(maker), int(taker))
        if match := CLEARED_TIER.fullmatch(request):
            return c.ClearTierFees(1, 1, int(match[1]), 1 if match[2] else 0)
        if match := ASSIGN.fullmatch(request):
            return c.AssignFeeTier(1, 1, self.account(match[1]), int(match[2]))
        if match := FEES.fullmatch(request):
            return c.SetFees(1, 1, 1, *map(int, match.groups()))
        if match := LIMITS.fullmatch(request):
            *sizes, band, collar, calm, hours = (int(number or 0) for number in match.groups())
            bands = (band * PERCENT, collar * PERCENT, calm * PERCENT)
            limits = (*sizes, *bands, hours * HOUR_NS)
            return c.SetLimits(1, 1, 1, *limits)
        if match := INCREMENTS.fullmatch(request):
            return c.ChangeIncrements(1, 1, 1, *map(int, match.groups(default="0")))
        if match := REFERENCE.fullmatch(request):
            return c.SetReferencePrice(1, 1, 1, int(match[1]))
        if match := PHASE.fullmatch(request):
            phase = TradingPhase[match[1].replace(" ", "_").upper()]
            return c.ChangePhase(1, 1, 1, phase, int(match[2] or 0))
        if match := CLOCK.fullmatch(request):
            return c.ExpireOrders(1, 1, int(match[1]))
        if request in ("halt", "resume"):
            phase = TradingPhase.HALTED if request == "halt" else TradingPhase.TRADING
            return c.ChangePhase(1, 1, 1, phase)
        raise AssertionError(f"no such request: {request}")

    def entered_list(self, first: str, word: str, *others: str) -> c.Command:
        orders = []
        ids = (0, SECOND_ORDER, THIRD_ORDER)
        for request, further in zip((first, *others[::2]), ids, strict=False):
            match = ENTER.fullmatch(request)
            assert match, request
            orders.append(self.entered(match))
            self.orders[self.sequence + 1 + further] = match[6]
        self.orders[self.sequence + 1] = orders[0].client_order_id.decode()
        contingency = (
            Contingency.ONE_CANCELS_OTHER if word == "or" else Contingency.ONE_TRIGGERS_OTHER
        )
        return c.list_orders(contingency, b"list", *orders)

    def entered(self, match: re.Match[str]) -> c.EnterOrder:
        who, verb, lots, display, price, name, wait, trigger, trailing, *rest = match.groups()
        how, hours, prevention, session, ends = rest
        flags = OrderFlags.POST_ONLY if how == "post-only" else OrderFlags.NONE
        amount = int(lots.split()[1]) if " " in lots else 0
        self.orders[self.sequence + 1] = name
        return c.EnterOrder(
            int(session or 1),
            1,
            self.account(who),
            1,
            Side.BUY if verb == "buys" else Side.SELL,
            order_type(price, wait or ("on stop" if trailing else "")),
            TimeInForce.GOOD_TILL_DATE
            if hours
            else TIMES_IN_FORCE.get(how, TimeInForce.GOOD_TILL_CANCEL),
            flags | (OrderFlags.CANCEL_WITH_SESSION if ends else OrderFlags.NONE),
            0 if price == "market" else int(price),
            0 if amount else int(lots),
            name.encode(),
            self.now_ns + int(hours) * HOUR_NS if hours else 0,
            prevention_named(prevention or "account-default"),
            int(trigger or 0),
            int(trailing or 0),
            amount,
            int(display or 0),
        )

    def said(self, event: e.Event) -> str:
        match event:
            case e.CommandRejected():
                return f"rejected: {event.reason.name}"
            case e.OrderAccepted():
                lots = f" for {event.quantity_lots}" if event.quantity_lots else ""
                return f"{self.orders[event.order_id]} accepted{lots}, holds {event.held_units}"
            case e.OrderRepeated():
                return f"{self.orders[event.order_id]} it is already"
            case e.OrderReplaced():
                self.orders[event.order_id] = self.new_name
                place = "keeps its place" if event.kept_priority else "loses its place"
                return (
                    f"{self.orders[event.order_id]} replaced, {place},"
                    f" leaves {event.leaves_lots}, holds {event.held_units}"
                )
            case e.OrderRested():
                name = self.orders[event.order_id]
                hidden = f", {event.hidden_lots} hidden" if event.hidden_lots else ""
                return f"{name} rests, {event.leaves_lots} at {event.price_ticks}{hidden}"
            case e.OrderListAccepted():
                names = [self.orders[event.first_order_id], self.orders[event.second_order_id]]
                word = event.contingency.name.lower().split("_")[1]
                third = f" or {self.orders[event.third_order_id]}" if event.third_order_id else ""
                return f"a list: {names[0]} {word} {names[1]}{third}"
            case e.OrderActivated():
                return f"{self.orders[event.order_id]} comes in, holds {event.held_units}"
            case e.OrderRefreshed():
                name = self.orders[event.order_id]
                return f"{name} shows {event.displayed_lots} more, behind the others"
            case e.TradeExecuted():
                fees = f"fees {event.resting_fee_units} and {event.incoming_fee_units}"
                released = f", {event.released_units} released" if event.released_units else ""
                where = " in the auction" if isinstance(event, e.AuctionTradeExecuted) else ""
                return (
                    f"{self.orders[event.resting_order_id]} and"
                    f" {self.orders[event.incoming_order_id]} trade"
                    f" {event.quantity_lots} at {event.price_ticks}{where}, {fees}{released}"
                )
            case e.OrderCanceled():
                name = self.orders[event.order_id]
                reason = event.reason.name.lower().replace("_", " ")
                return (
                    f"{name} canceled ({reason}), leaves {event.leaves_lots},"
                    f" {event.released_units} released"
                )
            case e.OrderTriggered():
                return (
                    f"{self.orders[event.order_id]} triggered, set to"
                    f" {event.trigger_price_ticks}, by a trade at {event.price_ticks}"
                )
            case e.MatchPrevented():
                return self.prevented(event)
            case e.SelfTradePreventionSet():
                return event.self_trade_prevention.name.lower().replace("_", " ")
            case e.FundsCredited():
                return f"available {event.available_units}"
            case e.PhaseChanged():
                return event.phase.name.lower().replace("_", " ")
            case e.IndicativePriceChanged():
                price = f"{event.quantity_lots} at {event.price_ticks}, {event.surplus_lots} over"
                return f"the auction would trade {price if event.quantity_lots else 'nothing'}"
        return self.said_to_desk(event)

    def said_to_desk(self, event: e.Event) -> str:
        match event:
            case e.TradeCorrected():
                fees = f"{event.corrected_buyer_fee_units} and {event.corrected_seller_fee_units}"
                return (
                    f"trade {event.trade_id} is now {event.corrected_quantity_lots}"
                    f" at {event.corrected_price_ticks}, fees of buyer and seller {fees}"
                )
            case e.TradeBusted():
                was = f"{event.quantity_lots} at {event.price_ticks}"
                return f"trade {event.trade_id} busted, which was {was}"
            case e.IncrementsChanged():
                steps = f"{event.price_increment_ticks} and {event.quantity_increment_lots}"
                return f"prices and quantities are multiples of {steps}"
            case e.AccountSuspended():
                return "suspended"
            case e.AccountResumed():
                return "resumed"
        return type(event).__name__

    def prevented(self, event: e.MatchPrevented) -> str:
        names = (self.orders[event.resting_order_id], self.orders[event.incoming_order_id])
        said = (
            f"{names[0]} and {names[1]} do not trade {event.quantity_lots} at"
            f" {event.price_ticks}, prevented match {event.prevented_match_id}"
        )
        if event.resting_decrease_lots:
            said += f", {names[0]} less {event.resting_decrease_lots}"
        if event.incoming_decrease_lots:
            said += f", {names[1]} less {event.incoming_decrease_lots}"
        units = event.resting_released_units + event.incoming_released_units
        return f"{said}, {units} released" if units else said

    def book(self) -> Iterator[str]:
        """Draw the book: sells from the worst down to the best, then buys, oldest order first."""
        book = self.engine.state.books[1]
        for mark, levels in (("sell", reversed(list(book.sells))), ("buy", list(book.buys))):
            for level in levels:
                orders = " ".join(f"{self.orders[o.order_id]}:{shown(o)}" for o in level)
                yield f"{mark} {level.price_ticks}  {orders}"

    def funds(self) -> Iterator[str]:
        names = {number: name for name, number in self.accounts.items()} | {0: "venue"}
        assets = {number: name for name, number in ASSETS.items()}
        for account_id, asset_id, available, held in self.engine.funds():
            yield f"{names[account_id]} {assets[asset_id]} {available} available, {held} held"


def shown(order: Order) -> str:
    lots = order.leaves_lots - order.hidden_lots
    return f"{lots}+{order.hidden_lots}" if order.hidden_lots else str(lots)


def order_type(price: str, wait: str) -> OrderType:
    is_market = price == "market"
    if wait == "on stop":
        return OrderType.STOP if is_market else OrderType.STOP_LIMIT
    if wait == "on profit":
        return OrderType.TAKE_PROFIT if is_market else OrderType.TAKE_PROFIT_LIMIT
    return OrderType.MARKET if is_market else OrderType.LIMIT


def prevention_named(name: str) -> SelfTradePrevention:
    return SelfTradePrevention[name.upper().replace("-", "_")]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    table = Table()
    played: list[str] = []
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            played.append(line)
        elif not line.startswith(" "):
            played.append(line)
            played.extend(f"    {said}" for said in table.answer(line))
    assert "\n".join(played) == path.read_text().rstrip("\n")


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 12
