cimport cython

from matching.core.engine cimport Engine
from matching.edge cimport metrics
from matching.edge.connection cimport Connection
from matching.edge.disk_watch cimport DiskWatch
from matching.edge.group_commit cimport Executed, GroupCommit
from matching.edge.journal cimport Journal
from matching.edge.publisher cimport Publisher
from matching.pipeline cimport Batch, Pipeline
from matching.sequencer cimport Sequencer

cdef Py_ssize_t BATCH_BYTES


cdef class MatchingServer:
    cdef public Py_ssize_t reader_buffer_bytes_max
    cdef object _journal_directory
    cdef object _address
    cdef str _mode
    cdef Py_ssize_t _segment_bytes
    cdef object _snapshots
    cdef object _archive_url
    cdef object _tracing
    cdef object _archive_key_file
    cdef object _on_failure
    cdef str _state
    cdef readonly Engine _engine
    cdef readonly Sequencer _sequencer
    cdef readonly Pipeline _pipeline
    cdef Journal _journal
    cdef Publisher _publisher
    cdef GroupCommit _commits
    cdef DiskWatch _disk
    cdef object _server
    cdef object _loop
    cdef object _alarm
    cdef object _inbox
    cdef bint _batch_is_due
    cdef set _connections
    cdef object _nobody_connected

    @cython.locals(
        batch=Batch, executed=Executed, submissions=list, questions=list, taken_ns="long long"
    )
    cpdef object _run_batch(self)

    @cython.locals(
        batch=Batch,
        taken_ns="long long",
        executed_ns="long long",
        committed_ns="long long",
        published_ns="long long",
    )
    cpdef object _durable(self, Executed executed)

    cpdef object _go_on(self)

    cpdef object _schedule_batch(self)

    cdef void _set_alarm(self) except *

    cdef void _cancel_alarm(self) except *

    @cython.locals(connection=Connection, taken_bytes=Py_ssize_t, size=Py_ssize_t)
    cdef void _take_requests(self, list submissions, list questions) except *
