from vocabulary.codec cimport Record


cdef class JsonDoor:
    cdef readonly object balances
    cdef readonly object history
    cdef readonly object rest
    cdef readonly object websocket
    cdef readonly object _countdowns
    cdef object _matching
    cdef object _feed
    cdef Py_ssize_t _tracked
    cdef object _user_streams
    cdef unsigned long long _session_id
    cdef object _json_orders
    cdef object _older_trades
    cdef object _kept_sessions
    cdef dict _listed
    cdef object _expirer

    cpdef object on_record(self, Record record, list reports)

    cpdef object flush(self)

    cdef object _track_listed(self)
