cdef long long PPM

cpdef long long fee_units(long long received_units, long long fee_ppm) noexcept
