cimport cython

from matching.pipeline cimport Batch
from vocabulary.tallies cimport Count, Distribution

cdef Count COMMANDS
cdef Distribution BATCH_COMMANDS
cdef Distribution APPLY_SECONDS
cdef Distribution COMMIT_SECONDS
cdef Distribution PUBLISH_SECONDS

@cython.locals(count=Py_ssize_t)
cpdef void observe_batch(
    Batch batch,
    long long taken_ns,
    long long executed_ns,
    long long committed_ns,
    long long published_ns,
) except *
