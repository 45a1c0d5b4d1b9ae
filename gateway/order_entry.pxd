cimport cython

cdef Py_ssize_t _ID_BYTES_MAX
cdef bytes _ID_LETTERS

cdef void _check_client_order_id(bytes client_order_id) except *

cdef void _check_order_is_named(object order_id, bytes original_client_order_id) except *

@cython.locals(letters="const unsigned char*", index=Py_ssize_t)
cdef bint is_client_order_id(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) except -1
