cimport cython

from gateway cimport packed_events
from gateway.order_changes cimport OrderChanges
from gateway.order_table cimport AccountOrders
from gateway.orders cimport Fill, Order, Report
from vocabulary cimport packed
from vocabulary.codec cimport Record


@cython.final
cdef class Orders(OrderChanges):
    cdef dict _apply

    cpdef list apply(self, Record record)

    @cython.locals(
        words="const long long*", at=Py_ssize_t, stop=Py_ssize_t, kind=int, head="long long"
    )
    cdef int _apply_words(self, bytes data) except -1

    cdef int _apply_event(self, object event) except -1

    @cython.locals(owner_and_instrument="long long", instrument_id=object, order=Order)
    cdef int _take_accepted(self, const long long* words, Py_ssize_t at) except -1

    cdef int _take_trade(self, const long long* words, Py_ssize_t at) except -1

    @cython.locals(order=Order)
    cdef int _take_canceled(self, const long long* words, Py_ssize_t at) except -1

    @cython.locals(record=Record)
    cdef int _take_replaced(self, const long long* words, Py_ssize_t at) except -1

    cpdef object _apply_list_accepted(self, object event)

    @cython.locals(order=Order)
    cpdef object _apply_activated(self, object event)

    @cython.locals(order=Order)
    cpdef object _apply_accepted(self, object event)

    cpdef object _apply_replaced(self, object event)

    cpdef object _apply_trade(self, object event)

    cpdef object _apply_canceled(self, object event)

    @cython.locals(order=Order)
    cpdef object _apply_triggered(self, object event)

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_prevented(self, object event)

    @cython.locals(account=AccountOrders, order=Order, report=Report, fill=Fill)
    cpdef object _apply_amended(self, object event)

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_rejected(self, object event)
