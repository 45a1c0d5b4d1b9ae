"""The matching engine: pure functions of state, without clock, chance or I/O.

Each module is ordinary Python. The `.pxd` beside it gives the C types with which Cython compiles
it; both forms behave the same, and the tests run both.
"""
