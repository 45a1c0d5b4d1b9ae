cimport cython

from gateway.fix.codec cimport FixMessage

cdef dict _TIMES_IN_FORCE
cdef dict _FLAGS
cdef dict _ORDER_TYPES
cdef dict _SIDES

cpdef object command(
    FixMessage message,
    object order_entry,
    object session_id,
    object session_number,
    object account_id,
)

cdef object _enter_order(
    FixMessage message,
    object order_entry,
    object session_id,
    object session_number,
    object account_id,
)

cdef str _text(FixMessage message, int tag)

@cython.locals(tag=int)
cdef void _check_supported(FixMessage message, object order_entry) except *
