cimport cython

from matching.core cimport client_order_ids, packed
from matching.core.client_order_ids cimport ClientOrderId, ClientOrderIds
from matching.core.event_writer cimport EventWriter
from matching.core.holds cimport Account
from matching.core.ladder cimport Order, new_order
from matching.core.matcher cimport Matcher
from matching.core.order_book cimport OrderBook
from matching.core.self_trade cimport market_buy_units
from matching.core.state cimport State

cdef long long ENTER_ORDER
cdef Py_ssize_t ENTER_ORDER_WORDS
cdef long long REPLACE_ORDER
cdef long long CANCEL_ORDER
cdef long long CANCEL_ALL_ORDERS
cdef long long EXPIRE_ORDERS
cdef int BUY
cdef int TRADING
cdef int MARKET
cdef int LIMIT
cdef int DAY
cdef int IMMEDIATE_OR_CANCEL
cdef int FILL_OR_KILL
cdef int GOOD_TILL_CANCEL
cdef int GOOD_TILL_DATE
cdef long long DAY_NS
cdef int POST_ONLY
cdef long long PRICE_MAX
cdef long long ID_MASK
cdef int ENTER_NAME_AT
cdef int REPLACE_NAME_AT
cdef int REPLACE_ORIGINAL_AT
cdef int CANCEL_ORIGINAL_AT
cdef int LENGTH_MASK
cdef int MALFORMED_CLIENT_ORDER_ID
cdef int UNKNOWN_ACCOUNT
cdef int UNKNOWN_INSTRUMENT
cdef int NOT_TRADING
cdef int NOT_IN_AUCTION
cdef int UNSUPPORTED_ORDER
cdef int EXPIRE_TIME_OUT_OF_RANGE
cdef int PRICE_OUT_OF_RANGE
cdef int PRICE_OUTSIDE_BAND
cdef int QUANTITY_OUT_OF_RANGE
cdef int NOTIONAL_TOO_SMALL
cdef int NOTIONAL_TOO_LARGE
cdef int UNKNOWN_ORDER
cdef int QUANTITY_NOT_ABOVE_CUMULATIVE
cdef int DUPLICATE_CLIENT_ORDER_ID
cdef int TOO_MANY_OPEN_ORDERS
cdef int INSUFFICIENT_FUNDS
cdef int WOULD_TAKE_LIQUIDITY
cdef int REQUESTED
cdef int MASS_CANCELED
cdef int EXPIRED
cdef int EXPIRE_MAKER

cdef long long ending(int time_in_force, long long expire_time_ns, long long now_ns) noexcept
cdef bint never_rests(int time_in_force) except -1
cdef int phase_refusal(OrderBook book, bint is_market, int time_in_force, int flags) except -1
cdef int price_refusal(OrderBook book, long long price_ticks, bint is_market) except -1
cdef int notional_refusal(OrderBook book, long long price_ticks, long long lots) except -1


@cython.final
cdef class Engine:
    cdef readonly State state
    cdef readonly EventWriter events
    cdef readonly Matcher matcher

    cpdef bytes apply(self, bytes command, long long sequence, long long timestamp_ns)

    @cython.locals(words="const long long*", at=Py_ssize_t, end=Py_ssize_t, sequence="long long")
    cpdef bytes apply_batch(self, bytes commands, long long first_sequence, long long timestamp_ns)

    @cython.locals(kind=int)
    cdef int dispatch(
        self, bytes data, const long long* words, Py_ssize_t at, long long sequence
    ) except -1

    @cython.locals(
        account_id="long long",
        instrument_id="long long",
        price_ticks="long long",
        lots="long long",
        side=int,
        is_market=bint,
        flags=int,
        expire_time_ns="long long",
        account=Account,
        book=OrderBook,
        end=Py_ssize_t,
        prevention=int,
        content="unsigned long long",
        now_ns="long long",
        known=ClientOrderId,
        refusal=int,
        limit_ticks="long long",
        order=Order,
        held_units="long long",
        time_in_force=int,
    )
    cdef object enter_order(self, const long long* words, Py_ssize_t at, long long sequence)

    @cython.locals(
        is_market=bint,
        time_in_force=int,
        flags=int,
        price_ticks="long long",
        lots="long long",
        refusal=int,
    )
    cdef int terms_refusal(self, OrderBook book, const long long* words, Py_ssize_t at) except -1

    @cython.locals(limit_ticks="long long", units_max="long long")
    cdef long long market_buy_units(self, OrderBook book, Order order) except *

    @cython.locals(
        account_id="long long",
        instrument_id="long long",
        price_ticks="long long",
        lots="long long",
        names=ClientOrderIds,
        is_renamed=bint,
        book=OrderBook,
        refusal=int,
        order=Order,
        leaves_lots="long long",
        hold_per_lot="long long",
        more_units="long long",
    )
    cdef object replace_order(self, const long long* words, Py_ssize_t at)

    @cython.locals(instrument_id="long long", book=OrderBook, order=Order)
    cdef object cancel_order(self, const long long* words, Py_ssize_t at)

    @cython.locals(
        account_id="long long", instrument_id="long long", account=Account, order=Order
    )
    cdef object cancel_all_orders(self, const long long* words, Py_ssize_t at)

    @cython.locals(next_ns="long long", order=Order)
    cdef object expire_orders(self)

    @cython.locals(account=Account, known=ClientOrderId, order=Order)
    cdef Order open_order(
        self,
        long long account_id,
        long long instrument_id,
        long long order_id,
        const long long* words,
        Py_ssize_t name_at,
    )
