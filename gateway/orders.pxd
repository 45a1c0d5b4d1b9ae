cimport cython

from vocabulary.codec cimport Record
from vocabulary.instrument cimport Units


@cython.final
cdef class Order:
    cdef public long long order_id
    cdef public object order_list
    cdef public long long account_id
    cdef public unsigned long long session_id
    cdef public object instrument
    cdef public Units units
    cdef public object side
    cdef public object order_type
    cdef public object time_in_force
    cdef public long long expire_time_ns
    cdef public object flags
    cdef public long long price_ticks
    cdef public long long trigger_price_ticks
    cdef public long long trailing_bps
    cdef public bint is_waiting
    cdef public long long quantity_lots
    cdef public long long leaves_lots
    cdef public long long display_lots
    cdef public long long quote_amount_units
    cdef public object self_trade_prevention
    cdef public long long prevented_lots
    cdef public long long decreased_lots
    cdef public object prevented
    cdef public long long undone_lots
    cdef public long long cumulative_lots
    cdef public object quote_units
    cdef public bytes client_order_id
    cdef public object status
    cdef public long long entered_ns
    cdef public long long updated_ns

    @cython.locals(order_type=int)
    cpdef bint has_limit(self) except -1

    cpdef bint is_working(self) except -1


@cython.locals(order=Order)
cpdef Order order_of(object command, object instrument, Units units)


@cython.final
cdef class Fill:
    cdef public long long trade_id
    cdef public object instrument
    cdef public long long order_id
    cdef public long long account_id
    cdef public object side
    cdef public long long price_ticks
    cdef public long long quantity_lots
    cdef public long long quote_units
    cdef public long long fee_units
    cdef public bint is_maker
    cdef public long long timestamp_ns
    cdef public bytes client_order_id
    cdef public long long sequence
    cdef public long long amendments
    cdef public bint is_busted

    cpdef bint is_fee_in_base(self) except -1


@cython.final
cdef class Report:
    cdef public object kind
    cdef public Record record
    cdef public long long report_index
    cdef public Order order
    cdef public object reason
    cdef public object status
    cdef public long long cumulative_lots
    cdef public long long leaves_lots
    cdef public object quote_units
    cdef public Fill fill
    cdef public bint is_requester
    cdef public bytes client_order_id
    cdef public bytes original_client_order_id
    cdef public object prevented

    cpdef Report unsolicited(self)


@cython.locals(sequence="long long", instrument_id="long long", trade_id="long long", side=str)
cpdef str trade_exec_id(Fill fill)
