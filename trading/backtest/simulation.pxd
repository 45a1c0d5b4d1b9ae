cimport cython

from matching.core.order cimport Level as CoreLevel
from trading.backtest.background cimport Background
from trading.backtest.recording cimport Recording
from trading.backtest.venue cimport SimulatedVenue

cdef long long CHANGE
cdef long long RESET
cdef long long TRADE
cdef long long SAMPLE_NS


@cython.final
cdef class Simulation:
    cdef readonly object machine
    cdef readonly Recording recording
    cdef readonly SimulatedVenue venue
    cdef readonly Background background
    cdef readonly object firm
    cdef readonly long long latency_ns
    cdef readonly long long now_ns
    cdef readonly long long stream_sequence
    cdef readonly long long book_sequence
    cdef readonly long long market_events
    cdef readonly list decisions
    cdef readonly list samples
    cdef long long sample_due_ns
    cdef object commands
    cdef object own

    @cython.locals(recording=Recording, row=Py_ssize_t, time_ns="long long")
    cpdef void run(self, object columns) except *
    cdef void advance(self, long long time_ns) except *
    @cython.locals(command_ns="long long", own_ns="long long")
    cdef void arrive(self, long long time_ns) except *
    @cython.locals(bid=CoreLevel, ask=CoreLevel)
    cdef void sample(self, long long time_ns) except *
    @cython.locals(kind="long long", background=Background)
    cdef void happen(self, Py_ssize_t row) except *
    @cython.locals(others=list)
    cdef bint is_altered(self, Py_ssize_t row, long long kind) except -1
    cdef object true_book(self, Py_ssize_t row)
    cdef void show(self, object event) except *
    @cython.locals(due_ns="long long")
    cdef void report(self, object reports) except *
    cdef long long next_sequence(self) except *
