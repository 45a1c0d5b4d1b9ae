cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix.formats cimport has_form
from gateway.fix.layout cimport Layout


@cython.final
cdef class Dictionary:
    cdef readonly dict fields
    cdef dict _tag_of
    cdef dict _components
    cdef readonly object header
    cdef readonly object trailer
    cdef readonly dict messages
    cdef dict _layouts

    @cython.locals(layouts=dict, layout=Layout)
    cpdef object validate(self, FixMessage message)
