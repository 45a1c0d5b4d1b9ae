cimport cython

from matching.core cimport packed

cdef object crc32c
cdef long long EVENT_WORDS_MAX
cdef Py_ssize_t RECORD_HEADER_WORDS
cdef long long COMMAND_REJECTED
cdef long long ORDER_ACCEPTED
cdef long long ORDER_REPLACED
cdef long long ORDER_RESTED
cdef long long TRADE_EXECUTED
cdef long long AUCTION_TRADE_EXECUTED
cdef long long ORDER_CANCELED
cdef long long ORDER_REPEATED
cdef long long ORDER_TRIGGERED
cdef long long MATCH_PREVENTED


@cython.final
cdef class EventWriter:
    cdef readonly object buffer
    cdef long long[::1] words
    cdef Py_ssize_t room
    cdef readonly Py_ssize_t end

    cpdef bytes take(self)
    cpdef Py_ssize_t reserve(self, Py_ssize_t words) except -1

    @cython.locals(size=Py_ssize_t, start=Py_ssize_t, index=Py_ssize_t)
    cdef Py_ssize_t begin_record(
        self, const long long* words, Py_ssize_t at, long long sequence, long long timestamp_ns
    ) except -1

    @cython.locals(crc="long long")
    cdef int end_record(self, Py_ssize_t start) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int command_rejected(self, long long reason) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int order_accepted(
        self, long long order_id, long long account_id, long long instrument_id, long long held_units
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int order_repeated(
        self, long long order_id, long long account_id, long long instrument_id
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int order_replaced(
        self,
        long long order_id,
        long long account_id,
        long long instrument_id,
        long long side,
        bint kept_priority,
        long long previous_price_ticks,
        long long previous_leaves_lots,
        long long price_ticks,
        long long quantity_lots,
        long long leaves_lots,
        long long held_units,
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int order_rested(
        self,
        long long order_id,
        long long account_id,
        long long instrument_id,
        long long side,
        long long price_ticks,
        long long leaves_lots,
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int trade_executed(
        self,
        long long trade_id,
        long long instrument_id,
        long long incoming_side,
        long long price_ticks,
        long long quantity_lots,
        long long base_units,
        long long quote_units,
        long long resting_order_id,
        long long incoming_order_id,
        long long resting_account_id,
        long long incoming_account_id,
        long long resting_leaves_lots,
        long long incoming_leaves_lots,
        long long resting_cumulative_lots,
        long long incoming_cumulative_lots,
        long long resting_fee_units,
        long long incoming_fee_units,
        long long released_units,
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int at_auction(self, long long buy_price_ticks, long long sell_price_ticks) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int order_triggered(
        self,
        long long order_id,
        long long account_id,
        long long instrument_id,
        long long trigger_price_ticks,
        long long price_ticks,
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int match_prevented(
        self,
        long long prevented_match_id,
        long long instrument_id,
        long long incoming_side,
        long long account_id,
        long long self_trade_prevention,
        long long price_ticks,
        long long quantity_lots,
        long long resting_order_id,
        long long incoming_order_id,
        long long resting_decrease_lots,
        long long incoming_decrease_lots,
        long long resting_released_units,
        long long incoming_released_units,
    ) except -1

    @cython.locals(at=Py_ssize_t)
    cpdef int order_canceled(
        self,
        long long order_id,
        long long account_id,
        long long instrument_id,
        long long side,
        bint was_resting,
        long long reason,
        long long price_ticks,
        long long leaves_lots,
        long long cumulative_lots,
        long long released_units,
    ) except -1
