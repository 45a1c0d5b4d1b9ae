cimport cython

from matching.core cimport packed

cdef long long REMEMBERED_NS
cdef long long REMEMBERED_MAX
cdef long long OPEN
cdef int BUCKETS_MIN
cdef int NAME_WORDS
cdef unsigned long long WORD_MASK
cdef unsigned long long HASH_SEED
cdef unsigned long long HASH_FACTOR
cdef unsigned long long NAME_SEED

@cython.locals(value="unsigned long long", at=Py_ssize_t)
cdef unsigned long long hash_words(
    const long long* words, Py_ssize_t first, Py_ssize_t last, unsigned long long seed
) noexcept

cdef unsigned long long content_of(
    const long long* words, Py_ssize_t first, Py_ssize_t last
) noexcept


@cython.final
cdef class ClientOrderId:
    cdef public long long order_id
    cdef public unsigned long long content
    cdef public long long closed_ns
    cdef readonly long long[5] words
    cdef public unsigned long long hash
    cdef public ClientOrderId chained
    cdef public ClientOrderId closed_next

    @cython.locals(index=int)
    cdef bint is_at(self, const long long* words, Py_ssize_t at) noexcept


@cython.final
cdef class ClientOrderIds:
    cdef readonly list buckets
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t closed_count
    cdef readonly ClientOrderId closed_first
    cdef readonly ClientOrderId closed_last

    @cython.locals(value="unsigned long long", known=ClientOrderId)
    cdef ClientOrderId find(self, const long long* words, Py_ssize_t at, long long now_ns)

    @cython.locals(known=ClientOrderId, bucket=Py_ssize_t, index=int)
    cdef ClientOrderId add(
        self,
        const long long* words,
        Py_ssize_t at,
        long long order_id,
        unsigned long long content,
    )

    @cython.locals(words=bytes)
    cpdef ClientOrderId add_text(self, bytes text, long long order_id, unsigned long long content)

    @cython.locals(
        before=list,
        buckets=list,
        at=Py_ssize_t,
        bucket=Py_ssize_t,
        known=ClientOrderId,
        following=ClientOrderId,
    )
    cdef int grow(self) except -1

    @cython.locals(first=ClientOrderId)
    cpdef int close(self, ClientOrderId known, long long now_ns) except -1

    @cython.locals(bucket=Py_ssize_t, before=ClientOrderId)
    cdef int forget(self, ClientOrderId known) except -1


@cython.locals(turned=ClientOrderId, following=ClientOrderId)
cdef ClientOrderId reverse(ClientOrderId known)
