cimport cython

cdef int _SESSION_ID
cdef int _SESSION_NUMBER
cdef int _ACCOUNT_AND_INSTRUMENT
cdef int _TEXT_WORDS
cdef int _ENTER_ORDER_WORDS
cdef int _REPLACE_ORDER_WORDS
cdef int _CANCEL_ORDER_WORDS
cdef unsigned long long _ENTER_ORDER
cdef unsigned long long _REPLACE_ORDER
cdef unsigned long long _CANCEL_ORDER


@cython.final
cdef class CommandWriter:
    cdef bytearray _octets
    cdef unsigned long long[::1] _words
    cdef unsigned long long _account_id

    @cython.locals(words="unsigned long long[::1]")
    cpdef bytes enter_order(
        self,
        unsigned long long session_number,
        unsigned long long instrument_id,
        unsigned long long side,
        unsigned long long order_type,
        unsigned long long time_in_force,
        unsigned long long flags,
        unsigned long long price_ticks,
        unsigned long long quantity_lots,
        const unsigned char* octets,
        Py_ssize_t id_start,
        Py_ssize_t id_stop,
    )

    @cython.locals(words="unsigned long long[::1]")
    cpdef bytes replace_order(
        self,
        unsigned long long session_number,
        unsigned long long instrument_id,
        unsigned long long order_id,
        unsigned long long price_ticks,
        unsigned long long quantity_lots,
        const unsigned char* octets,
        Py_ssize_t id_start,
        Py_ssize_t id_stop,
        Py_ssize_t original_start,
        Py_ssize_t original_stop,
    )

    @cython.locals(words="unsigned long long[::1]")
    cpdef bytes cancel_order(
        self,
        unsigned long long session_number,
        unsigned long long instrument_id,
        unsigned long long order_id,
        const unsigned char* octets,
        Py_ssize_t id_start,
        Py_ssize_t id_stop,
        Py_ssize_t original_start,
        Py_ssize_t original_stop,
    )

    @cython.locals(written="unsigned char*", index=Py_ssize_t, at=Py_ssize_t)
    cdef void _write_text(
        self, Py_ssize_t word, const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
    ) except *

    @cython.locals(written="unsigned char*")
    cdef bytes _packed(self, Py_ssize_t words)
