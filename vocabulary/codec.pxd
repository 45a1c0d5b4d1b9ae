cimport cython

cdef int _WORD_BYTES


@cython.final
cdef class Record:
    cdef readonly long long sequence
    cdef readonly long long timestamp_ns
    cdef readonly unsigned long long session_id
    cdef readonly long long session_number
    cdef readonly int command_kind
    cdef readonly bint is_rejected
    cdef readonly bytes data
    cdef readonly Py_ssize_t command_at
    cdef readonly Py_ssize_t events_at
    cdef readonly Py_ssize_t stop
    cdef object _command
    cdef object _events


@cython.final
cdef class Layout:
    cdef readonly object message_type
    cdef readonly int kind
    cdef readonly int version
    cdef readonly object struct
    cdef readonly object body
    cdef readonly Py_ssize_t size
    cdef readonly bint is_command
    cdef readonly Py_ssize_t field_count
    cdef public tuple added
    cdef readonly list enums
    cdef readonly list texts

    @cython.locals(values=list, index=Py_ssize_t, members=dict)
    cpdef object read(self, object data, Py_ssize_t offset)


@cython.locals(layout=Layout)
cpdef tuple unpack(object data, Py_ssize_t offset=*)

@cython.locals(end=Py_ssize_t, at=Py_ssize_t)
cpdef tuple unpack_record(object data, Py_ssize_t offset=*)

@cython.locals(layout=Layout, events=list)
cdef list _unpack_events(object data, Py_ssize_t at, Py_ssize_t end)

@cython.locals(layout=Layout)
cpdef Layout layout_at(object data, Py_ssize_t offset)
