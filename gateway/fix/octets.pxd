from libc.string cimport memcpy


cdef inline int paste(unsigned char[::1] octets, Py_ssize_t at, bytes data) except -1:
    memcpy(&octets[at], <const char*>data, len(data))
    return 0


cdef inline bytes cut(unsigned char[::1] octets, Py_ssize_t start, Py_ssize_t stop):
    return (<const char*>&octets[0])[start:stop]
