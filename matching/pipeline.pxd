cimport cython

from matching.admission cimport Admission
from matching.sequencer cimport Sequencer

cdef Py_ssize_t RECORD_BYTES_MAX


@cython.final
cdef class Batch:
    cdef public bytes records
    cdef public Py_ssize_t count
    cdef public list own
    cdef public list repeats
    cdef public list refusals
    cdef public list faults


@cython.final
cdef class Pipeline:
    cdef public object _engine
    cdef Sequencer _sequencer
    cdef readonly Admission admission
    cdef list _taken
    cdef long long _executed
    cdef list _records

    @cython.locals(batch=Batch, before="long long", timestamp_ns="long long")
    cpdef Batch execute(self, object submissions, long long now_ns)

    @cython.locals(
        first="long long", before="long long", at=Py_ssize_t, start=Py_ssize_t
    )
    cdef long long _submit(
        self, Batch batch, object sender, bytes commands, long long timestamp_ns
    ) except *

    cdef Py_ssize_t _answer(
        self, Batch batch, object sender, bytes commands, Py_ssize_t at
    ) except -1

    cdef long long _run_clock(self, long long timestamp_ns) except *

    @cython.locals(
        commands=bytes, records=bytes, first_sequence="long long", size=Py_ssize_t
    )
    cdef void _execute_taken(self, long long timestamp_ns) except *
