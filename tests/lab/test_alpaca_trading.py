"""The simulated trading API, judged by the official client."""

import asyncio

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.models import Order, Position, TradeAccount
from alpaca.trading.requests import GetOrdersRequest, LimitOrderRequest, MarketOrderRequest

from firmquote.lab.alpaca_trading import AlpacaTrading
from firmquote.lab.simulator import LAB_KEY
from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario


def trade(url: str) -> None:
    key, _, secret = LAB_KEY.partition(":")
    client = TradingClient(key, secret, paper=True, url_override=url)
    account = client.get_account()
    assert isinstance(account, TradeAccount)
    assert not account.trading_blocked
    request = MarketOrderRequest(
        symbol="IBM", qty=10, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id="one"
    )
    sent = client.submit_order(request)
    assert isinstance(sent, Order)
    assert (sent.client_order_id, sent.symbol, sent.qty) == ("one", "IBM", "10")
    with pytest.raises(APIError, match="client_order_id must be unique"):
        client.submit_order(request)
    found = client.get_order_by_client_id("one")
    assert isinstance(found, Order)
    assert (found.status, found.filled_qty, float(found.filled_avg_price or 0)) == (OrderStatus.FILLED, "10", 100.02)
    resting = client.submit_order(
        LimitOrderRequest(symbol="IBM", qty=5, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=99.0)
    )
    assert isinstance(resting, Order)
    client.cancel_order_by_id(resting.id)
    orders = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))
    assert [order.status for order in orders if isinstance(order, Order)] == [OrderStatus.CANCELED, OrderStatus.FILLED]
    (position,) = client.get_all_positions()
    assert isinstance(position, Position)
    assert (position.symbol, position.qty) == ("IBM", "10")
    with pytest.raises(APIError, match="insufficient qty"):
        client.submit_order(
            MarketOrderRequest(symbol="IBM", qty=11, side=OrderSide.SELL, time_in_force=TimeInForce.DAY)
        )
    with pytest.raises(APIError, match="not authorized"):
        TradingClient(key, "wrong", paper=True, url_override=url).get_account()


def test_the_official_client_trades_with_the_simulator() -> None:
    async def main() -> None:
        sim = AlpacaTrading(SystemClock())
        sim.quotes["IBM"] = (100.0, 100.02)
        await sim.start()
        try:
            await asyncio.to_thread(trade, sim.url)
        finally:
            await sim.stop()

    asyncio.run(main())
