cimport cython


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

@cython.locals(layout=Layout, end=Py_ssize_t, at=Py_ssize_t, events=list)
cpdef tuple unpack_record(object data, Py_ssize_t offset=*)

@cython.locals(layout=Layout)
cdef Layout _layout_at(object data, Py_ssize_t offset)
