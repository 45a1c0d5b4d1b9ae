cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix.session cimport Session
from gateway.fix_application.delivery cimport deliver
from gateway.orders cimport Report

cdef long long _EPOCH_SHIFT
cdef long long _MSG_SEQ_NUM_MASK
cdef dict _COMMANDS
cdef set _CANCELS


@cython.final
cdef class _Pending:
    cdef readonly long long msg_seq_num
    cdef readonly bytes raw
    cdef public object reply


cdef class OrderFlow:
    cdef readonly object identity
    cdef readonly object session_id
    cdef readonly object store
    cdef readonly Session session
    cdef object _flush
    cdef object _settings
    cdef object _order_entry
    cdef object _orders
    cdef object _matching
    cdef object _throttle
    cdef object _on_refused
    cdef object _post_trade
    cdef long long _submitted_number
    cdef object _pending
    cdef long long _done
    cdef object _told_in_slices

    cpdef object receive(self, FixMessage message, long long now_ns)

    @cython.locals(msg_seq_num="long long")
    cpdef object acknowledge(self, long long session_number, long long now_ns)

    @cython.locals(number="long long")
    cdef object _ask(self, FixMessage message, long long now_ns)

    cdef object _answer_to(self, FixMessage message)

    cdef void _check_limits(self, FixMessage message, long long now_ns) except *

    cdef void _answer(self, long long done, long long now_ns) except *

    @cython.locals(first=_Pending, done="long long", taken="long long")
    cdef void _answer_next(self, long long now_ns) except *

    cdef long long _number(self, long long msg_seq_num) except *

    cpdef object deliver(self, Report report, long long now_ns)


cdef bint _is_too_late(FixMessage message, long long now_ns) except -1
