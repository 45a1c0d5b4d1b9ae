cimport cython

from matching.link cimport FrameDecoder

cdef object _RECORDS


cdef class LinkClient:
    cdef public bint connected
    cdef public long long last_sequence
    cdef public long long head_sequence
    cdef readonly str name
    cdef object _address
    cdef bint _streams
    cdef object _patience_ms
    cdef object _unpack
    cdef object _on_records
    cdef object _on_caught_up
    cdef object _catch_up_sequence
    cdef dict _funds_requests
    cdef object _last_request_id
    cdef object _retry_seconds
    cdef readonly object _transport
    cdef object _first_connect
    cdef object _task

    cdef object _write(self, bytes data)

    cdef object _welcomed(self)

    cdef object _handed_over(self, list records)

    cdef object _answered(self, object kind, bytes payload)

    cpdef object connection_lost(self)

    @cython.locals(records=list, unpacked=list, payload=bytes)
    cpdef object frames_received(self, list frames)

    cdef object _hand_over(self, list records)

    @cython.locals(expected="long long", sequence="long long")
    cdef object _check_order(self, list records)


@cython.final
cdef class Connection:
    cdef LinkClient _client
    cdef FrameDecoder _decoder
    cdef object _transport
    cdef readonly object ended

    cpdef object data_received(self, bytes data)
