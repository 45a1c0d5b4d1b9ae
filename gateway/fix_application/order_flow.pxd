cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix_application.plain_orders cimport PlainOrders
from gateway.fix_application.session_answers cimport SessionAnswers
from gateway.orders cimport Order
from gateway.throttle cimport TokenBucket

cdef long long _EPOCH_SHIFT
cdef long long _MSG_SEQ_NUM_MASK
cdef dict _COMMANDS
cdef set _CANCELS
cdef bytes _NEW_ORDER_SINGLE
cdef bytes _ORDER_CANCEL_REQUEST
cdef bytes _ORDER_CANCEL_REPLACE_REQUEST


@cython.final
cdef class _Pending:
    cdef public long long msg_seq_num
    cdef public bytes raw
    cdef public object reply


@cython.final
cdef class OrderFlow(SessionAnswers):
    cdef object _order_entry
    cdef object _matching
    cdef object _post_trade
    cdef long long _submitted_number
    cdef object _pending
    cdef Py_ssize_t _replies
    cdef long long _done
    cdef PlainOrders _plain
    cdef list _packed

    @cython.locals(message=FixMessage, room=Py_ssize_t, first_number="long long")
    cpdef object receive_all(self, list messages, long long now_ns)

    @cython.locals(pending=_Pending)
    cdef void _wait(self, FixMessage message, object reply) except *

    @cython.locals(number="long long", msg_type=bytes, bucket=TokenBucket, command=bytes)
    cdef bint _pack(self, FixMessage message, long long first_number, long long now_ns) except -1

    @cython.locals(order=Order)
    cdef bint _was_undone(self, FixMessage message) except -1

    cdef void _submit_packed(self) except *

    @cython.locals(msg_seq_num="long long")
    cpdef object acknowledge(self, long long session_number, long long now_ns)

    @cython.locals(number="long long")
    cdef object _ask(self, FixMessage message, long long now_ns)

    cdef object _answer_to(self, FixMessage message)

    cdef void _check_limits(self, FixMessage message, long long now_ns) except *

    cpdef object flush(self)

    cdef void _answer(self, long long now_ns) except *

    @cython.locals(first=_Pending, taken="long long")
    cdef void _answer_next(self, long long now_ns) except *

cdef bint _is_too_late(FixMessage message, long long now_ns) except -1
