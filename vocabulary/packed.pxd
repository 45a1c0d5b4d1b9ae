cdef inline const long long* words_of(bytes data) except NULL:
    return <const long long*><const char*>data


cdef inline bytes text_at(bytes data, Py_ssize_t start, Py_ssize_t size):
    return (<const char*>data)[start : start + size]
