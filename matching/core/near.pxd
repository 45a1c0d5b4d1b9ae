from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE

from matching.core.holds cimport Account
from matching.core.order_book cimport OrderBook
from matching.core.state cimport State


cdef inline Account account(State state, Py_ssize_t account_id):
    cdef Account found
    if account_id < PyList_GET_SIZE(state.near_accounts):
        found = <Account>PyList_GET_ITEM(state.near_accounts, account_id)
        if found is not None:
            return found
    return state.account(account_id)


cdef inline OrderBook book(State state, Py_ssize_t instrument_id):
    cdef OrderBook found
    if instrument_id < PyList_GET_SIZE(state.near_books):
        found = <OrderBook>PyList_GET_ITEM(state.near_books, instrument_id)
        if found is not None:
            return found
    return state.book(instrument_id)
