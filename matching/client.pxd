from vocabulary.codec cimport unpack_record

cpdef list unpack_records(bytes data)
