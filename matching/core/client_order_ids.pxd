cimport cython

from matching.core cimport name_rows, packed
from matching.core.name_rows cimport NameRows

cdef long long REMEMBERED_NS
cdef int FORGOTTEN_AT_ONCE
cdef long long OPEN
cdef unsigned int SLOTS_MIN
cdef unsigned int SLOTS_MAX
cdef Py_ssize_t NAMES_PACKED
cdef int NAME_WORDS
cdef int ORDER_ID_AT
cdef int CONTENT_AT
cdef int CLOSED_AT
cdef int LATER_AT
cdef int PACKED_WORDS
cdef int ROW_WORDS
cdef int PAGE_BITS
cdef unsigned int ROW_IN_PAGE
cdef int HASH_BITS
cdef unsigned int ROW_MASK
cdef unsigned long long WORD_MASK
cdef unsigned long long SIGN_BIT
cdef unsigned long long HASH_SEED
cdef unsigned long long HASH_FACTOR
cdef unsigned long long FACTOR_0
cdef unsigned long long FACTOR_1
cdef unsigned long long FACTOR_2
cdef unsigned long long FACTOR_3
cdef unsigned long long FACTOR_4
cdef unsigned long long LAST_FACTOR

@cython.locals(value="unsigned long long", at=Py_ssize_t)
cdef unsigned long long content_of(
    const long long* words, Py_ssize_t first, Py_ssize_t last
) noexcept

@cython.locals(value="unsigned long long")
cdef unsigned long long hash_name(const long long* words, Py_ssize_t at) noexcept


@cython.final
cdef class ClientOrderIds:
    cdef readonly NameRows rows
    cdef readonly unsigned int table_shift
    cdef readonly unsigned int mask
    cdef readonly unsigned int count
    cdef readonly unsigned int open_first
    cdef readonly unsigned int open_last
    cdef readonly unsigned int closed_first
    cdef readonly unsigned int closed_last
    cdef readonly unsigned long long closed_count
    cdef readonly long long oldest_ns
    cdef readonly list tables
    cdef readonly unsigned long long[::1] only

    @cython.locals(row="unsigned int", kept_ns="long long")
    cpdef list closed_rows(self)

    cdef inline long long* words(self, unsigned int row) noexcept
    cdef inline unsigned long long* table(self, unsigned long long value) noexcept

    @cython.locals(words="const long long*", text=bytes, closed_ns="long long")
    cpdef object at_row(self, unsigned int row)

    @cython.locals(words="const long long*", at=Py_ssize_t, row="unsigned int")
    cpdef int take_closed(self, bytes data) except -1

    @cython.locals(words="const long long*", row="unsigned int")
    cpdef list open_order_ids(self)

    cpdef long long order_id(self, unsigned int row) noexcept
    cpdef unsigned long long content(self, unsigned int row) noexcept
    cpdef bint is_open(self, unsigned int row) noexcept

    @cython.locals(
        table="const unsigned long long*",
        slot="unsigned int",
        entry="unsigned long long",
        closed_ns="long long",
        is_kept=bint,
    )
    cdef unsigned int find(
        self, unsigned long long value, const long long* words, Py_ssize_t at, long long now_ns
    ) noexcept

    @cython.locals(words=bytes, value="unsigned long long", row="unsigned int")
    cpdef object find_text(self, bytes text, long long now_ns)

    @cython.locals(value="unsigned long long")
    cdef void fetch(self, const long long* words, Py_ssize_t at) noexcept

    @cython.locals(row="unsigned int", taken="long long*", earlier="long long")
    cdef unsigned int add(
        self,
        unsigned long long value,
        const long long* words,
        Py_ssize_t at,
        long long order_id,
        unsigned long long content,
    ) except 0

    @cython.locals(words=bytes, value="unsigned long long")
    cpdef unsigned int add_text(
        self, bytes text, long long order_id, unsigned long long content
    ) except 0

    cdef unsigned long long count_beside(self, unsigned long long value) noexcept

    @cython.locals(slot="unsigned int")
    cdef inline void put(self, unsigned long long* table, unsigned long long entry) noexcept

    @cython.locals(
        former="unsigned long long[::1]",
        entries="const unsigned long long*",
        slots="unsigned int",
        slot="unsigned int",
    )
    cdef int make_room(self, unsigned long long value) except -1

    @cython.locals(tables=list, first=Py_ssize_t, end=Py_ssize_t, half=Py_ssize_t)
    cdef int split(self, Py_ssize_t place) except -1

    @cython.locals(words="long long*", earlier="long long", later="long long")
    cpdef int close(self, unsigned int row, long long now_ns) except -1

    @cython.locals(row="unsigned int")
    cdef void forget_oldest(self) noexcept

    @cython.locals(
        value="unsigned long long",
        table="unsigned long long*",
        hole="unsigned int",
        slot="unsigned int",
        entry="unsigned long long",
        home="unsigned int",
    )
    cdef void take_out(self, unsigned int row) noexcept


cdef object new_table(Py_ssize_t slots)
