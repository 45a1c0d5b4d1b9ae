from cpython cimport array

from vocabulary.packed cimport words_of

cdef extern from "Python.h":
    ctypedef struct PyListObject:
        void** ob_item

cdef extern from *:
    ctypedef union WordsOfArray "__Pyx_data_union":
        long long* as_longlongs
        unsigned long long* as_ulonglongs

    ctypedef struct Array "arrayobject":
        WordsOfArray data

    void prefetch "__builtin_prefetch" (const void* address) noexcept nogil


cdef inline const long long* words_in(const long long[::1] words) noexcept:
    return &words[0]


cdef inline long long* row_in(list pages, Py_ssize_t page, Py_ssize_t at) noexcept:
    return (<Array*>(<PyListObject*>pages).ob_item[page]).data.as_longlongs + at


cdef inline unsigned long long* entries_in(unsigned long long[::1] table) noexcept:
    return &table[0]


cdef inline unsigned long long* table_in(list tables, Py_ssize_t table) noexcept:
    return (<Array*>(<PyListObject*>tables).ob_item[table]).data.as_ulonglongs


cdef inline bytes bytes_of(const long long* words, Py_ssize_t count):
    return (<const char*>words)[: 8 * count]


cdef inline void fetch_entry(const unsigned long long* table, Py_ssize_t at) noexcept:
    prefetch(&table[at])


cdef inline bytes bytes_in(const long long[::1] words, Py_ssize_t start, Py_ssize_t end):
    return (<const char*>&words[0])[start:end]


cdef inline void fetch_word(const long long* words, Py_ssize_t at) noexcept:
    prefetch(&words[at])
