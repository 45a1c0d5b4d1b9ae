cimport cython

from trading.alpha.market cimport Market
from trading.alpha.orders cimport OwnOrder, OwnOrders


@cython.locals(order=OwnOrder)
cpdef object quote(
    OwnOrders orders, object side, object price_ticks, object lots, object tolerance_ticks
)


@cython.locals(gap=object, best=object, price_ticks=object)
cpdef tuple approach(
    Market market,
    OwnOrders orders,
    object target_lots,
    object order_lots,
    object slippage_ticks,
)
