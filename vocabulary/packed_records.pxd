cimport cython

from vocabulary cimport packed
from vocabulary.codec cimport Layout, Record

cdef int _WORD_BYTES
cdef int _RECORD_HEADER_WORDS
cdef int _VERSION_SHIFT
cdef int _SIZE_SHIFT
cdef int _KIND_MASK
cdef unsigned long long _ALL_BITS
cdef int _FIRST_EVENT_KIND
cdef int _COMMAND_REJECTED
cdef int _KINDS
cdef int _VERSIONS
cdef const long long[::1] _SIZES

@cython.locals(
    words="const long long*",
    size=Py_ssize_t,
    record_bytes=Py_ssize_t,
    records=list,
    record=Record,
    at=Py_ssize_t,
    stop=Py_ssize_t,
)
cpdef list unpack_records(bytes data)

@cython.locals(
    head="long long", kind=int, version=int, size=Py_ssize_t, end=Py_ssize_t, layout=Layout
)
cdef Py_ssize_t _behind(
    bytes data, const long long* words, Py_ssize_t at, Py_ssize_t stop, bint is_command
) except -1
