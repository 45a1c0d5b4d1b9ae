cimport cython

from gateway.orders cimport Order, Report


@cython.final
cdef class _Account:
    cdef readonly dict open
    cdef readonly object closed
    cdef readonly object fills
    cdef readonly dict by_client_order_id
    cdef readonly dict lists

    cdef int forget_client_order_id(self, Order order) except -1


@cython.final
cdef class Orders:
    cdef readonly object catalogue
    cdef readonly Py_ssize_t open_order_count
    cdef dict _orders
    cdef dict _accounts
    cdef dict _preventions
    cdef list _reports
    cdef set _requested_ids
    cdef object _order_list
    cdef object _record
    cdef dict _apply

    cpdef list apply(self, object record)

    @cython.locals(account=_Account)
    cpdef object _apply_list_accepted(self, object event)

    @cython.locals(order=Order)
    cpdef object _apply_activated(self, object event)

    cdef object _join(self, object order_list, Order order)

    @cython.locals(order=Order, account=_Account)
    cpdef object _apply_accepted(self, object event)

    @cython.locals(order=Order, account=_Account, report=Report)
    cpdef object _apply_replaced(self, object event)

    @cython.locals(resting=Order, incoming=Order)
    cpdef object _apply_trade(self, object event)

    @cython.locals(report=Report, is_maker=bint)
    cdef int _fill(self, Order order, object event, long long leaves_lots, object fee_units) except -1

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_canceled(self, object event)

    cdef bint _is_requested(self, Order order) except -1

    @cython.locals(order=Order)
    cpdef object _apply_triggered(self, object event)

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_prevented(self, object event)

    @cython.locals(account=_Account, order=Order, report=Report)
    cpdef object _apply_amended(self, object event)

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_rejected(self, object event)

    @cython.locals(account=_Account, oldest=Order)
    cdef int _close(self, Order order, object status) except -1

    @cython.locals(report=Report)
    cdef Report _report(self, object kind, Order order)
