cimport cython

cdef Py_ssize_t _ID_BYTES_MAX
cdef bytes _ID_LETTERS

@cython.locals(
    octets="const unsigned char*",
    letters="const unsigned char*",
    size=Py_ssize_t,
    index=Py_ssize_t,
)
cdef bint _is_client_order_id(bytes text) except -1
