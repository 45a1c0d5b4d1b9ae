cimport cython

from matching.core cimport packed

cdef long long REMEMBERED_NS
cdef long long REMEMBERED_MAX
cdef long long OPEN
cdef int SLOTS_MIN
cdef int NAME_WORDS
cdef unsigned long long WORD_MASK
cdef unsigned long long NAME_HASH_MASK
cdef unsigned long long HASH_SEED
cdef unsigned long long HASH_FACTOR
cdef unsigned long long NAME_SEED

@cython.locals(value="unsigned long long", at=Py_ssize_t)
cdef unsigned long long hash_words(
    const long long* words, Py_ssize_t first, Py_ssize_t last, unsigned long long seed
) noexcept

cdef unsigned int hash_name(const long long* words, Py_ssize_t at) noexcept

cdef unsigned long long content_of(
    const long long* words, Py_ssize_t first, Py_ssize_t last
) noexcept


@cython.final
cdef class ClientOrderId:
    cdef public long long order_id
    cdef public unsigned long long content
    cdef public long long closed_ns
    cdef readonly long long[5] words
    cdef public unsigned int hash

    @cython.locals(index=int)
    cdef bint is_at(self, const long long* words, Py_ssize_t at) noexcept


@cython.final
cdef class ClientOrderIds:
    cdef readonly unsigned long long mask
    cdef readonly unsigned long long count
    cdef readonly list names
    cdef readonly list queue
    cdef readonly Py_ssize_t queue_at
    cdef readonly long long oldest_ns
    cdef readonly unsigned int[::1] hashes
    cdef readonly object buffer

    @cython.locals(slot="unsigned long long", known=ClientOrderId, is_kept=bint)
    cdef ClientOrderId find(
        self, unsigned int value, const long long* words, Py_ssize_t at, long long now_ns
    )

    @cython.locals(words=bytes)
    cpdef ClientOrderId find_text(self, bytes text, long long now_ns)

    @cython.locals(slot="unsigned long long")
    cdef long long look_at(self, const long long* words, Py_ssize_t at) noexcept

    @cython.locals(known=ClientOrderId, index=int)
    cdef ClientOrderId add(
        self,
        unsigned int value,
        const long long* words,
        Py_ssize_t at,
        long long order_id,
        unsigned long long content,
    )

    @cython.locals(words=bytes, value="unsigned int")
    cpdef ClientOrderId add_text(self, bytes text, long long order_id, unsigned long long content)

    @cython.locals(slot="unsigned long long")
    cdef int put(self, unsigned int value, ClientOrderId known) except -1

    @cython.locals(hashes="unsigned int[::1]", names=list, slots=Py_ssize_t, slot=Py_ssize_t)
    cdef int grow(self) except -1

    cpdef int close(self, ClientOrderId known, long long now_ns) except -1

    @cython.locals(known=ClientOrderId, oldest=ClientOrderId)
    cdef int forget_oldest(self) except -1

    @cython.locals(hole="unsigned long long", slot="unsigned long long")
    cdef int forget(self, ClientOrderId known) except -1
