cimport cython

cdef Py_ssize_t _HEADER_BYTES
cdef Py_ssize_t _KINDS
cdef Py_ssize_t RECORDS_BYTES
cdef object _COMMANDS
cdef object _RECORDS


@cython.final
cdef class FrameDecoder:
    cdef list _kinds
    cdef long long[::1] _least
    cdef long long[::1] _most
    cdef object _rest

    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t, frames=list)
    cpdef list receive_data(self, bytes data)

    cdef bint _is_whole(self) except -1

    @cython.locals(octets="const unsigned char*", number=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t _size(self, bytes data, Py_ssize_t at) except -1


cpdef bytes pack_commands(list commands)

cpdef bytes pack_records(bytes records, object kind=*)

cdef bytes _frame(object kind, bytes payload)
