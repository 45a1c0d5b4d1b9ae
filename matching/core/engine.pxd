cimport cython

from matching.core cimport client_order_ids, near, order_terms, packed, prefetch
from matching.core.client_order_ids cimport ClientOrderIds
from matching.core.event_writer cimport EventWriter
from matching.core.holds cimport Account
from matching.core.order cimport Order, begin
from matching.core.matcher cimport Matcher
from matching.core.order_book cimport OrderBook
from matching.core.self_trade cimport market_buy_units
from matching.core.state cimport State

cdef long long ENTER_ORDER
cdef Py_ssize_t ENTER_ORDER_WORDS
cdef long long REPLACE_ORDER
cdef long long CANCEL_ORDER
cdef long long CANCEL_ALL_ORDERS
cdef Py_ssize_t SIDES_AT
cdef Py_ssize_t ENTERED_BY_AT
cdef Py_ssize_t FLAGS_AT
cdef long long EXPIRE_ORDERS
cdef Py_ssize_t EXPIRE_WORDS
cdef int BUY
cdef int BOTH_SIDES
cdef int MARKET
cdef int GOOD_TILL_CANCEL
cdef int POST_ONLY
cdef long long ID_MASK
cdef unsigned long long SESSION_MASK
cdef int ENTER_NAME_AT
cdef int REPLACE_NAME_AT
cdef int REPLACE_ORIGINAL_AT
cdef int CANCEL_ORIGINAL_AT
cdef int LENGTH_MASK
cdef int READS_AHEAD
cdef int CACHED_ORDERS
cdef int FETCH_STEPS
cdef int LAST_STEP
cdef int MALFORMED_CLIENT_ORDER_ID
cdef int UNKNOWN_ACCOUNT
cdef int ACCOUNT_SUSPENDED
cdef int UNKNOWN_INSTRUMENT
cdef int QUANTITY_OUT_OF_RANGE
cdef int UNKNOWN_ORDER
cdef int QUANTITY_NOT_ABOVE_CUMULATIVE
cdef int DISPLAY_QUANTITY_OUT_OF_RANGE
cdef int DUPLICATE_CLIENT_ORDER_ID
cdef int TOO_MANY_OPEN_ORDERS
cdef int INSUFFICIENT_FUNDS
cdef int WOULD_TAKE_LIQUIDITY
cdef int REQUESTED
cdef int MASS_CANCELED
cdef int EXPIRED
cdef int EXPIRE_MAKER
cdef int NOT_REPLACEABLE
cdef Py_ssize_t TRIGGER_AT


@cython.final
cdef class Engine:
    cdef readonly State state
    cdef readonly EventWriter events
    cdef readonly Matcher matcher

    cpdef bytes apply(self, bytes command, long long sequence, long long timestamp_ns)

    cpdef bytes apply_batch(self, bytes commands, long long first_sequence, long long timestamp_ns)
    cpdef bytes record_batch(self, bytes commands, long long first_sequence, long long timestamp_ns)

    @cython.locals(
        words="const long long*",
        at=Py_ssize_t,
        end=Py_ssize_t,
        ahead=Py_ssize_t,
        sequence="long long",
        record=Py_ssize_t,
    )
    cdef object run(
        self, bytes commands, long long first_sequence, long long timestamp_ns, bint is_recorded
    )

    @cython.locals(account=Account)
    cdef int fetch_name(self, const long long* words, Py_ssize_t at) except -1

    @cython.locals(kind=int, order=Order, book=OrderBook)
    cdef int fetch(self, const long long* words, Py_ssize_t at, int step) except -1

    @cython.locals(name_hash="unsigned long long")
    cdef bint is_taken(
        self, ClientOrderIds names, const long long* words, Py_ssize_t at
    ) except -1

    @cython.locals(ends=Py_ssize_t, ahead=Py_ssize_t, first_step=int, step=int)
    cdef Py_ssize_t read_ahead(self, const long long* words, Py_ssize_t at, Py_ssize_t end) except -1

    cdef int unpack_and_do(self, bytes data, Py_ssize_t at, long long sequence) except -1

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
        name_hash="unsigned long long",
        known="unsigned int",
        order_id="long long",
        refusal=int,
        limit_ticks="long long",
        order=Order,
        held_units="long long",
        time_in_force=int,
    )
    cdef int enter_order(
        self, bytes data, const long long* words, Py_ssize_t at, long long sequence
    ) except -1

    cdef int enter_special(
        self,
        OrderBook book,
        Account account,
        bytes data,
        Py_ssize_t at,
        long long sequence,
        unsigned long long content,
    ) except -1

    @cython.locals(limit_ticks="long long", units_max="long long")
    cdef long long market_buy_units(self, OrderBook book, Order order) except *

    @cython.locals(
        account_id="long long",
        account=Account,
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
    cdef int replace_order(self, const long long* words, Py_ssize_t at) except -1

    @cython.locals(instrument_id="long long", book=OrderBook, order=Order)
    cdef int cancel_order(self, const long long* words, Py_ssize_t at) except -1

    @cython.locals(
        account_id="long long",
        instrument_id="long long",
        account=Account,
        size=Py_ssize_t,
        sides=int,
        entered_by="unsigned long long",
    )
    cdef object cancel_all_orders(self, const long long* words, Py_ssize_t at)

    @cython.locals(next_ns="long long", steps="long long", order=Order)
    cdef object expire(self, long long steps_max)

    @cython.locals(account=Account, names=ClientOrderIds, known="unsigned int", order=Order, name_hash="unsigned long long")
    cdef Order open_order(
        self,
        long long account_id,
        long long instrument_id,
        long long order_id,
        const long long* words,
        Py_ssize_t name_at,
    )
