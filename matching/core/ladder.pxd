cimport cython

from matching.core cimport prefetch
from matching.core.order cimport Level, Resting

cdef int PAGE_BITS
cdef int SLOT_MASK
cdef unsigned long long FIRST_SLOT


@cython.final
cdef class Page:
    cdef readonly long long number
    cdef readonly unsigned long long occupied

    cdef int best_below(self, int slot) noexcept


@cython.final
cdef class Ladder:
    cdef readonly long long sign
    cdef readonly Level best
    cdef readonly list levels
    cdef readonly Py_ssize_t mask
    cdef readonly Py_ssize_t count
    cdef readonly list pages

    @cython.locals(level=Level)
    cpdef Level level_at(self, long long price_ticks)
    @cython.locals(level=Level, price_ticks="long long")
    cdef Level find(self, long long key)
    @cython.locals(key="long long", level=Level)
    cdef void fetch(self, long long price_ticks, int step) noexcept
    cdef void fetch_front(self) noexcept
    @cython.locals(key="long long", page=Page, level=Level, last=Resting)
    cpdef int append(self, Resting order) except -1
    @cython.locals(level=Level, older=Resting, newer=Resting)
    cpdef int remove(self, Resting order) except -1
    @cython.locals(level=Level, newer=Resting, last=Resting)
    cpdef void requeue(self, Resting order) except *
    @cython.locals(level=Level)
    cpdef void reduce(self, Resting order, long long lots) noexcept
    @cython.locals(key="long long", at=Py_ssize_t, page=Page, slot=int)
    cpdef Level next_worse(self, Level level)
    @cython.locals(level=Level)
    cdef Level make_level(self, long long key)
    @cython.locals(level=Level)
    cdef int make_room(self) except -1
    @cython.locals(bucket=Py_ssize_t)
    cdef int put(self, Level level) except -1
    @cython.locals(key="long long", at=Py_ssize_t, page=Page)
    cpdef int vacate(self, Level level) except -1
    @cython.locals(at=Py_ssize_t, page=Page)
    cdef Page page(self, long long number)
    @cython.locals(page=Page, low="long long", high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t page_index(self, long long number) except -1
