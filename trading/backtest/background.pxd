cimport cython

from trading.backtest.recording cimport Recording
from trading.backtest.venue cimport SimulatedVenue

cdef long long RESET
cdef int BUY
cdef int SELL


@cython.final
cdef class Background:
    cdef readonly Recording recording
    cdef readonly SimulatedVenue venue
    cdef readonly object recorded_orders
    cdef readonly bint has_recorded_orders
    cdef readonly dict bids
    cdef readonly dict asks
    cdef readonly list others

    @cython.locals(recording=Recording, at=Py_ssize_t, side=int)
    cpdef bint print(self, Py_ssize_t row) except -1
    @cython.locals(
        recording=Recording,
        begin=Py_ssize_t,
        middle=Py_ssize_t,
        end=Py_ssize_t,
        at=Py_ssize_t,
        side=int,
        price="long long",
    )
    cpdef void change(self, Py_ssize_t row) except *
    @cython.locals(
        recording=Recording, begin=Py_ssize_t, middle=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t
    )
    cdef bint tells(self, Py_ssize_t row, int side, long long price_ticks) except -1
    @cython.locals(recording=Recording, middle=Py_ssize_t, at=Py_ssize_t, side=int)
    cdef bint is_in_core(self, Py_ssize_t row) except -1
    cdef long long wanted(self, int side, long long price_ticks) except *
    cdef long long less_recorded(self, int side, long long price_ticks, long long lots) except *
    @cython.locals(lots="long long")
    cdef void shrink(self, int side, long long price_ticks) except *
    @cython.locals(lots="long long")
    cdef void grow(self, int side, long long price_ticks) except *
    @cython.locals(recording=Recording, at=Py_ssize_t, lots="long long")
    cdef void record(self, dict book, Py_ssize_t begin, Py_ssize_t end) except *
