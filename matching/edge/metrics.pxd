from vocabulary.tallies cimport Count, Distribution

cdef Count COMMANDS
cdef Distribution BATCH_COMMANDS
cdef Distribution APPLY_SECONDS
cdef Distribution COMMIT_SECONDS
cdef Distribution PUBLISH_SECONDS
