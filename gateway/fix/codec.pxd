cimport cython

cdef object _HEAD
cdef int _HEAD_BYTES
cdef int _CHECKSUM_LENGTH
cdef int _DIGITS_MAX
cdef int _NUMBER_DIGITS_MAX
cdef long long _MSG_SEQ_NUM_MAX
cdef int _LENGTH_TAG_MAX
cdef const int[::1] _DATA_TAG_OF
cdef int _DELIMITER
cdef int _EQUALS
cdef int _MINUS
cdef int _ZERO
cdef int _SPAN
cdef int _SPANS_IN_BLOCK
cdef int[::1] _NO_SPANS
cdef unsigned long long _SHAPE_FACTOR
cdef unsigned long long _SHAPE_MASK
cdef list _TRAILERS


@cython.final
cdef class FixMessage:
    cdef readonly bytes raw
    cdef readonly bytes msg_type
    cdef readonly long long msg_seq_num
    cdef readonly unsigned long long shape
    cdef readonly Py_ssize_t count
    cdef int[::1] spans

    @cython.locals(index=Py_ssize_t)
    cpdef bytes get(self, int tag)

    @cython.locals(index=Py_ssize_t)
    cpdef Py_ssize_t find(self, int tag)

    cpdef int tag(self, Py_ssize_t index)

    cpdef Py_ssize_t start(self, Py_ssize_t index)

    cpdef Py_ssize_t stop(self, Py_ssize_t index)

    cpdef bytes value(self, Py_ssize_t index)

    cpdef bint is_at(self, Py_ssize_t index, bytes value) except -1

    @cython.locals(index=Py_ssize_t)
    cpdef bint has_tags(self, tuple tags) except -1


@cython.final
cdef class Decoder:
    cdef readonly Py_ssize_t garbled_count
    cdef Py_ssize_t _message_bytes_max
    cdef bytes _rest
    cdef bint _in_garbage
    cdef int[::1] _spans
    cdef Py_ssize_t _spans_used
    cdef Py_ssize_t _spans_room

    @cython.locals(
        buffer=bytes,
        octets="const unsigned char*",
        size=Py_ssize_t,
        messages=list,
        position=Py_ssize_t,
        stop=Py_ssize_t,
        is_framed=bint,
        message=FixMessage,
    )
    cpdef list receive_data(self, bytes data)

    @cython.locals(
        at=Py_ssize_t,
        head="const unsigned char*",
        index=int,
        length=Py_ssize_t,
        digits_at=Py_ssize_t,
        digit=int,
        checksum_at=Py_ssize_t,
        stop=Py_ssize_t,
    )
    cdef Py_ssize_t _end_of_whole(
        self, const unsigned char* octets, Py_ssize_t position, Py_ssize_t size
    ) except -1

    cdef Py_ssize_t _skip_garbage(self, bytes buffer, Py_ssize_t position) except -1

    cdef tuple _frame(self, bytes buffer, Py_ssize_t position)

    @cython.locals(
        octets="const unsigned char*",
        message=FixMessage,
        begin=Py_ssize_t,
        count=Py_ssize_t,
        spans="int[::1]",
        index=Py_ssize_t,
        number="long long",
    )
    cdef FixMessage _decode(self, bytes buffer, Py_ssize_t start, Py_ssize_t stop)

    cdef int _reserve(self, Py_ssize_t fields) except -1


@cython.locals(total="unsigned int", trailer="const unsigned char*")
cdef bint _has_good_checksum(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) except -1

@cython.locals(
    at=Py_ssize_t,
    position=Py_ssize_t,
    data_tag=int,
    length=Py_ssize_t,
    is_negative=bint,
    tag_at=Py_ssize_t,
    tag=int,
)
cdef Py_ssize_t _find_fields(
    const unsigned char* octets, Py_ssize_t stop, int[::1] spans, Py_ssize_t begin
) except -1

@cython.locals(shape="unsigned long long", index=Py_ssize_t)
cdef unsigned long long _shape_of(int[::1] spans, Py_ssize_t count) noexcept

@cython.locals(number="long long", digit=int, index=Py_ssize_t)
cdef long long number_at(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

# A sum of one byte is added up by as many bytes as a vector has.
@cython.locals(total="unsigned char", index=Py_ssize_t)
cdef unsigned int sum_of(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

@cython.locals(size=Py_ssize_t, head=bytes, total="unsigned int")
cpdef bytes encode(bytes body)
