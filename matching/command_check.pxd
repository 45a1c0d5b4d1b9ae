cimport cython

cdef Py_ssize_t KINDS
cdef Py_ssize_t VERSIONS_MAX
cdef Py_ssize_t HEADER_WORDS
cdef Py_ssize_t TEXT_BYTES_MAX
cdef Py_ssize_t BYTE_MASK
cdef unsigned long long SPACES
cdef unsigned long long ONES
cdef unsigned long long HIGH_BITS
cdef const unsigned long long[::1] BEHIND
cdef list SHAPES


@cython.final
cdef class Shape:
    cdef long long header
    cdef Py_ssize_t words
    cdef const unsigned long long[::1] zeros
    cdef const unsigned long long[::1] enums
    cdef Py_ssize_t enums_end
    cdef const unsigned long long[::1] texts
    cdef Py_ssize_t texts_end
    cdef const long long[::1] added
    cdef Py_ssize_t added_at


@cython.locals(
    kind=Py_ssize_t, version=Py_ssize_t, shape=Shape, index=Py_ssize_t, row=Py_ssize_t,
    value="unsigned long long",
)
cdef bint is_sound_order(const long long* words, Py_ssize_t at, Py_ssize_t end) except -1

@cython.locals(index=Py_ssize_t)
cdef bint says_more(const long long* words, Py_ssize_t at, Shape shape) except -1

@cython.locals(
    length=Py_ssize_t,
    word="unsigned long long",
    left=Py_ssize_t,
    index=Py_ssize_t,
    behind="unsigned long long",
)
cdef bint is_text(const long long* words, Py_ssize_t at, Py_ssize_t count) except -1
