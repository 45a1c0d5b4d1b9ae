cimport cython

from matching.core cimport client_order_ids
from matching.core.client_order_ids cimport ClientOrderIds
from matching.core.event_writer cimport EventWriter
from matching.core.fees cimport fee_units, maker_fee_units
from matching.core.holds cimport Account, Funds
from matching.core.ladder cimport Ladder
from matching.core.order cimport Level, Order, SpareOrders
from matching.core.order_book cimport OrderBook
from matching.core.order_table cimport OrderTable
from matching.core.self_trade cimport can_fill, prevent
from matching.core.state cimport State

cdef int BUY
cdef int TRADING
cdef int IMMEDIATE_OR_CANCEL
cdef int FILL_OR_KILL
cdef int NOT_IMMEDIATE
cdef int KILLED
cdef int MARKET_EXHAUSTED
cdef int MARKET_COLLAR
cdef int VOLATILITY
cdef int SELF_TRADE_PREVENTED
cdef int NONE
cdef int RESTING_ENDS
cdef int INCOMING_ENDS


@cython.final
cdef class Matcher:
    cdef readonly State state
    cdef readonly EventWriter events
    cdef readonly SpareOrders spare_orders
    cdef public OrderBook interrupted
    cdef public long long matches
    cdef public long long matches_max
    cdef public bint is_exhausted
    cdef readonly list moved
    cdef readonly list activated

    @cython.locals(account=Account)
    cpdef int set_funds(self, Order order, OrderBook book, bint is_market) except -1

    @cython.locals(is_matched=bint)
    cdef bint may_join(self, OrderBook book, Order order) except -1

    cdef int reason_not_to_rest(self, OrderBook book, Order order, bint is_market) except -1

    @cython.locals(account=Account)
    cpdef object wait(self, OrderBook book, Order order, long long held_units)

    cpdef object stand_aside(self, OrderBook book, Order order)

    @cython.locals(limit_ticks="long long", is_market=bint)
    cpdef object trigger(self, OrderBook book, Order order, long long price_ticks)

    @cython.locals(may_rest=bint)
    cpdef int admit(
        self, OrderBook book, Order order, int time_in_force, bint is_market
    ) except -1

    cpdef void note_trades(
        self, OrderBook book, long long first_ticks, long long last_ticks
    ) except *
    cdef int open(self, OrderBook book, Order order) except -1

    @cython.locals(account=Account)
    cpdef int enter(
        self,
        OrderBook book,
        Order order,
        int time_in_force,
        bint is_market,
        long long held_units,
    ) except -1

    @cython.locals(limit_ticks="long long", is_there=bint)
    cdef bint can_fill(self, OrderBook book, Order order) except -1

    @cython.locals(ladder=Ladder, level=Level, resting=Order, ends=int, limit_ticks="long long", first_ticks="long long", last_ticks="long long", may_rest=bint, is_calm=bint)
    cdef bint match(self, OrderBook book, Order incoming) except -1

    @cython.locals(
        lots="long long",
        price_ticks="long long",
        base_units="long long",
        quote_units="long long",
        incoming_spent="long long",
        resting_spent="long long",
        incoming_fees=Funds,
        resting_fees=Funds,
        incoming_fee="long long",
        resting_ppm="long long",
        resting_fee="long long",
        unheld="long long",
    )
    cdef int trade(self, OrderBook book, Order resting, Order incoming) except -1

    @cython.locals(
        account=Account,
        ladder=Ladder,
        previous_price="long long",
        previous_leaves="long long",
        previous_hidden="long long",
        leaves_lots="long long",
        hold_per_lot="long long",
        held_units="long long",
        kept_priority=bint,
        may_rest=bint,
    )
    cdef int replace(
        self,
        OrderBook book,
        Order order,
        long long price_ticks,
        long long quantity_lots,
    ) except -1

    @cython.locals(names=ClientOrderIds, former="unsigned int", value="unsigned long long")
    cdef int rename(self, Order order, const long long* words, Py_ssize_t at) except -1

    @cython.locals(account=Account, ladder=Ladder)
    cdef int rest(self, OrderBook book, Order order) except -1

    @cython.locals(ladder=Ladder)
    cpdef int leave_book(self, OrderBook book, Order order) except -1
    cdef int finish(self, OrderBook book, Order order) except -1
    cpdef int close(self, Order order) except -1

    @cython.locals(released_units="long long")
    cpdef int cancel_resting(self, OrderBook book, Order order, int reason) except -1

    @cython.locals(released_units="long long")
    cpdef int cancel_incoming(self, Order order, int reason) except -1

    cdef int report_cancel(
        self, Order order, bint was_resting, int reason, long long released_units
    ) except -1
