cimport cython

from gateway cimport order_entry
from gateway.fix cimport codec
from gateway.fix.codec cimport FixMessage
from vocabulary cimport instrument as instruments
from vocabulary.command_writer cimport CommandWriter

cdef int _CL_ORD_ID
cdef int _EXEC_INST
cdef int _ORDER_ID
cdef int _ORDER_QTY
cdef int _ORD_TYPE
cdef int _ORIG_CL_ORD_ID
cdef int _PRICE
cdef int _SIDE
cdef int _SYMBOL
cdef int _TIME_IN_FORCE
cdef int _PLACES
cdef int _TAG_MAX
cdef int _NOT_PLAIN
cdef const int[::1] _PLACE_OF_TAG
cdef const int[::1] _SIDES
cdef const int[::1] _ORDER_TYPES
cdef const int[::1] _TIMES_IN_FORCE
cdef const int[::1] _RESTING_TIMES_IN_FORCE
cdef const int[::1] _FLAGS
cdef int _LIMIT


@cython.final
cdef class Steps:
    cdef readonly int scale
    cdef readonly long long mantissa
    cdef readonly long long multiple
    cdef readonly long long most

    @cython.locals(scaled="long long", steps="long long")
    cdef long long count(
        self, const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
    ) noexcept


@cython.final
cdef class Traded:
    cdef readonly object instrument
    cdef readonly long long instrument_id
    cdef readonly str name
    cdef readonly bytes symbol
    cdef readonly Steps prices
    cdef readonly Steps quantities


@cython.final
cdef class PlainOrders:
    cdef dict _listed
    cdef CommandWriter _commands
    cdef dict _traded
    cdef Traded _last
    cdef long long[::1] _fields

    @cython.locals(
        traded=Traded,
        side=int,
        order_type=int,
        time_in_force=int,
        flags=int,
        price_ticks="long long",
        quantity_lots="long long",
    )
    cpdef bytes enter_order(self, FixMessage message, long long session_number)

    @cython.locals(traded=Traded, order_id="long long")
    cpdef bytes cancel_order(self, FixMessage message, long long session_number)

    @cython.locals(
        traded=Traded,
        order_id="long long",
        order_type=int,
        time_in_force=int,
        price_ticks="long long",
        quantity_lots="long long",
    )
    cpdef bytes replace_order(self, FixMessage message, long long session_number)

    @cython.locals(fields="long long[::1]", index=Py_ssize_t, place=int, tag=int)
    cdef bint _find_fields(self, FixMessage message) except -1

    @cython.locals(index=Py_ssize_t, traded=Traded)
    cdef Traded _instrument(self, FixMessage message)

    @cython.locals(traded=Traded)
    cdef Traded _look_up(self, bytes symbol)

    @cython.locals(octets="const unsigned char*", index=Py_ssize_t, start=Py_ssize_t)
    cdef int _letter(self, FixMessage message, int place) except -1

    @cython.locals(index=Py_ssize_t)
    cdef long long _steps(self, FixMessage message, int place, Steps steps) except *

    @cython.locals(index=Py_ssize_t, order_id="long long")
    cdef long long _named_order(self, FixMessage message) except *

    @cython.locals(index=Py_ssize_t)
    cdef bint _is_id(self, FixMessage message, int place) except -1
