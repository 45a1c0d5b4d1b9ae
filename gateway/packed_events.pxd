cimport cython

from gateway.orders cimport Order
from vocabulary cimport packed

cdef int ENTER_ORDER
cdef int CANCEL_ORDER
cdef int REPLACE_ORDER
cdef long long ORDER_ACCEPTED
cdef long long ORDER_RESTED
cdef long long TRADE_EXECUTED
cdef long long ORDER_CANCELED
cdef long long ORDER_REPLACED
cdef int SESSION_ID
cdef int ACCOUNT_AND_INSTRUMENT
cdef int TERMS
cdef int PRICE_TICKS
cdef int QUANTITY_LOTS
cdef int CLIENT_ORDER_ID
cdef int EXPIRE_TIME_NS
cdef int PREVENTION
cdef int TRIGGER_PRICE_TICKS
cdef int TRAILING_BPS
cdef int QUOTE_UNITS
cdef int DISPLAY_LOTS
cdef int ORDER_ID
cdef int OWNER_AND_INSTRUMENT
cdef int TRADE_ID
cdef int TRADE_INSTRUMENT
cdef int TRADE_PRICE_TICKS
cdef int TRADE_LOTS
cdef int TRADE_QUOTE_UNITS
cdef int RESTING_ORDER_ID
cdef int INCOMING_ORDER_ID
cdef int RESTING_LEAVES_LOTS
cdef int INCOMING_LEAVES_LOTS
cdef int RESTING_FEE_UNITS
cdef int INCOMING_FEE_UNITS
cdef int CANCEL_TERMS
cdef int REASON_SHIFT
cdef int NEW_PRICE_TICKS
cdef int NEW_QUANTITY_LOTS
cdef int NEW_LEAVES_LOTS
cdef int NAMED_ID
cdef int CANCEL_NAMES
cdef int REPLACE_NAMES
cdef int NAME_WORDS
cdef int WORD_BYTES
cdef long long _ID_MASK
cdef int _ID_SHIFT
cdef int _BYTE_MASK
cdef unsigned long long _ALL_BITS
cdef int _NAME_BYTES_MAX
cdef int _SIZE_SHIFT
cdef list _SIDES
cdef list _ORDER_TYPES
cdef list _TIMES_IN_FORCE
cdef list _FLAGS
cdef list _PREVENTIONS
cdef list _REASONS

cdef Py_ssize_t words_of_message(long long head) noexcept

cdef long long first_id(long long word) noexcept

cdef long long second_id(long long word) noexcept

@cython.locals(reason=object)
cdef object cancel_reason(long long word)

cdef bint cancels(
    bytes data, const long long* words, Py_ssize_t at, Order order
) except -1

@cython.locals(end=Py_ssize_t, terms="long long")
cdef int read_terms(
    Order order, bytes data, const long long* words, Py_ssize_t at
) except -1

@cython.locals(size=Py_ssize_t)
cdef bytes name_at(bytes data, const long long* words, Py_ssize_t at)
