cdef long long PPM

cpdef long long band_ticks(long long reference_ticks, long long band_ppm) noexcept
