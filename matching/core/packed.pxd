cdef inline const long long* words_of(bytes data) except NULL:
    return <const long long*><const char*>data


cdef inline const long long* words_in(const long long[::1] words) noexcept:
    return &words[0]
