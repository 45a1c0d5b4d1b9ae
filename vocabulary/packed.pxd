cdef inline const long long* words_of(bytes data) except NULL:
    return <const long long*><const char*>data
