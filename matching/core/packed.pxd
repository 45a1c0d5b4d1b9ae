from vocabulary.packed cimport words_of

cdef extern from *:
    void prefetch "__builtin_prefetch" (const void* address) noexcept nogil


cdef inline const long long* words_in(const long long[::1] words) noexcept:
    return &words[0]


cdef inline long long* row_in(long long[::1] words, Py_ssize_t at) noexcept:
    return &words[at]


cdef inline void fetch_entry(unsigned long long[::1] entries, Py_ssize_t at) noexcept:
    prefetch(&entries[at])


cdef inline bytes bytes_in(const long long[::1] words, Py_ssize_t start, Py_ssize_t end):
    return (<const char*>&words[0])[start:end]


cdef inline void fetch_word(const long long* words, Py_ssize_t at) noexcept:
    prefetch(&words[at])
