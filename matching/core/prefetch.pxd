from matching.core.holds cimport Account
from matching.core.order cimport Level, Order, Resting

cdef extern from "Python.h":
    ctypedef struct PyListObject:
        void** ob_item

cdef extern from *:
    void fetch "__builtin_prefetch" (const void* address) noexcept nogil


cdef inline void place(list things, Py_ssize_t index) noexcept:
    fetch((<PyListObject*>things).ob_item + index)


cdef inline void thing(list things, Py_ssize_t index) noexcept:
    cdef char* address = <char*>(<PyListObject*>things).ob_item[index]
    fetch(address)
    fetch(address + 64)


cdef inline void beside(Resting order) noexcept:
    fetch(<void*>order.level)
    fetch(<char*><void*>order.level + 40)
    fetch(<void*>order.older)
    fetch(<void*>order.newer)


cdef inline void terms(Order order) noexcept:
    fetch(<char*><void*>order + 128)
    fetch(<void*>order.account)
    fetch(<void*>order.spends)


cdef inline void funds(Account account) noexcept:
    fetch(<void*>account.base_funds)
    fetch(<void*>account.quote_funds)


cdef inline void front(Level level) noexcept:
    fetch(<void*>level.oldest)


cdef inline void back(Level level) noexcept:
    fetch(<void*>level.newest)
