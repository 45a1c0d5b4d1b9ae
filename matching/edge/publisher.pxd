cimport cython

from matching.edge.connection cimport Connection
from matching.edge.journal cimport Journal
from matching.link cimport pack_records
from matching.pipeline cimport Batch


@cython.final
cdef class Publisher:
    cdef Journal _journal
    cdef object _engine
    cdef object _on_failure
    cdef object _loop
    cdef dict _live
    cdef dict _patient
    cdef dict _to_flush
    cdef set _due_chunks

    @cython.locals(
        connection=Connection, frames=bytes, own=bytes, start=Py_ssize_t, stop=Py_ssize_t
    )
    cpdef void publish(self, Batch batch, list questions) except *

    cdef void _send(self, Connection connection, bytes frames) except *
