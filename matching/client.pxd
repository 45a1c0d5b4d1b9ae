from vocabulary.codec cimport Record

cdef tuple _key(Record record)
