cimport cython

@cython.locals(millions="long long", rest="long long")
cpdef long long fee_units(long long received_units, long long fee_ppm) noexcept

@cython.locals(rate="long long", millions="long long", rest="long long")
cpdef long long maker_fee_units(
    long long received_units, long long given_units, long long fee_ppm, long long taker_fee_units
) noexcept
