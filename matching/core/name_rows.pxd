cimport cython

from matching.core cimport packed

cdef int NAME_WORDS
cdef int ORDER_ID_AT
cdef int CONTENT_AT
cdef int CLOSED_AT
cdef int LATER_AT
cdef int ROW_WORDS
cdef int PAGE_BITS
cdef unsigned int PAGE_ROWS
cdef unsigned int ROW_IN_PAGE


@cython.final
cdef class NameRows:
    cdef readonly list pages
    cdef readonly unsigned int end
    cdef readonly unsigned int free
    cdef public unsigned long long closed_max

    cdef long long* words(self, unsigned int row) noexcept

    cdef void fetch(self, unsigned int row) noexcept

    @cython.locals(name="const long long*", index=int)
    cdef bint has_name(self, unsigned int row, const long long* words, Py_ssize_t at) noexcept

    @cython.locals(row="unsigned int")
    cdef unsigned int take(self) except 0

    cdef int add_page(self) except -1

    cdef void give_back(self, unsigned int row) noexcept
