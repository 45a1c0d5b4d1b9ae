cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix.formats cimport has_form


@cython.final
cdef class Check:
    cdef readonly int form
    cdef readonly frozenset values
    cdef readonly bint is_list
    cdef readonly bint has_letters
    cdef readonly bytes letters


@cython.final
cdef class Layout:
    cdef readonly tuple tags
    cdef readonly list checks

    @cython.locals(
        octets="const unsigned char*",
        index=Py_ssize_t,
        check=Check,
        start=Py_ssize_t,
        stop=Py_ssize_t,
        letters="const unsigned char*",
    )
    cpdef bint takes(self, FixMessage message) except -1
