cimport cython

from matching.core cimport name_rows, packed
from matching.core.name_rows cimport NameRows

cdef long long REMEMBERED_NS
cdef unsigned long long REMEMBERED_MAX
cdef long long OPEN
cdef int SLOT_BITS_MIN
cdef int QUEUE_MIN
cdef int NAME_WORDS
cdef int ORDER_ID_AT
cdef int CONTENT_AT
cdef int CLOSED_AT
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
    cdef readonly unsigned long long[::1] entries
    cdef readonly unsigned int mask
    cdef readonly unsigned int shift
    cdef readonly unsigned int count
    cdef readonly unsigned int queue_mask
    cdef readonly unsigned long long queue_at
    cdef readonly unsigned long long queue_end
    cdef readonly long long oldest_ns
    cdef readonly NameRows rows
    cdef readonly unsigned int[::1] queue

    @cython.locals(words="const long long*", name=list)
    cpdef object at_row(self, unsigned int row)

    @cython.locals(words="const long long*", entry="unsigned long long", slot="unsigned int")
    cpdef list open_order_ids(self)

    cpdef long long order_id(self, unsigned int row) noexcept
    cpdef unsigned long long content(self, unsigned int row) noexcept
    cpdef bint is_open(self, unsigned int row) noexcept

    @cython.locals(
        slot="unsigned int", entry="unsigned long long", closed_ns="long long", is_kept=bint
    )
    cdef unsigned int find(
        self, unsigned long long value, const long long* words, Py_ssize_t at, long long now_ns
    ) noexcept

    @cython.locals(words=bytes, value="unsigned long long", row="unsigned int")
    cpdef object find_text(self, bytes text, long long now_ns)

    cdef void fetch(self, const long long* words, Py_ssize_t at) noexcept

    @cython.locals(row="unsigned int", taken="long long*", index=int)
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

    @cython.locals(slot="unsigned int")
    cdef void put(self, unsigned long long entry) noexcept

    @cython.locals(entries="unsigned long long[::1]", slots="unsigned int", slot="unsigned int")
    cdef int grow(self) except -1

    cpdef int close(self, unsigned int row, long long now_ns) except -1

    @cython.locals(queue="unsigned int[::1]", mask="unsigned int", place="unsigned long long")
    cdef int lengthen_queue(self) except -1

    @cython.locals(oldest="unsigned int")
    cdef void forget_oldest(self) noexcept

    @cython.locals(
        hole="unsigned int",
        slot="unsigned int",
        entry="unsigned long long",
        home="unsigned int",
    )
    cdef void forget(self, unsigned int row) noexcept
