cimport cython

from gateway.orders cimport Order


@cython.final
cdef class AccountOrders:
    cdef readonly dict open
    cdef readonly object closed
    cdef readonly object fills
    cdef readonly dict by_client_order_id
    cdef readonly dict lists

    cdef int forget_client_order_id(self, Order order) except -1


cdef class OrderTable:
    cdef readonly Py_ssize_t open_order_count
    cdef dict _orders
    cdef dict _accounts

    @cython.locals(account=AccountOrders)
    cdef AccountOrders _account(self, long long account_id)

    @cython.locals(order_id=object, account=AccountOrders)
    cdef int _open(self, Order order) except -1

    @cython.locals(account=AccountOrders, oldest=Order)
    cdef int _close(self, Order order, object status) except -1
