from libc.string cimport memcpy

from gateway.fix.codec cimport sum_of


cdef inline void paste(unsigned char[::1] octets, size_t at, bytes data) noexcept:
    memcpy(&octets[at], <const char*>data, len(data))


cdef inline void put_word(unsigned char[::1] octets, size_t at, long long value) noexcept:
    memcpy(&octets[at], &value, sizeof(value))


cdef inline bytes cut(unsigned char[::1] octets, size_t start, size_t stop):
    return (<const char*>&octets[0])[start:stop]


cdef inline unsigned int total(unsigned char[::1] octets, size_t start, size_t stop) noexcept:
    return sum_of(&octets[0], start, stop)
