#!/usr/bin/env python3
"""python3-autobahn (asyncio) against the widget's endpoint: usage: autobahn_client.py URL ORIGIN. One line a check; exit 1 when one fails."""
import asyncio, json, sys
from urllib.parse import urlparse
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponse, PerMessageDeflateResponseAccept

url, origin = sys.argv[1:3]
failed = 0


def check(what, good):
    global failed
    failed += not good
    print(("ok " if good else "FAIL ") + what)


class Client(WebSocketClientProtocol):
    def onOpen(self):
        self.sendMessage(json.dumps({"t": "hello", "locale": "zh-CN"}).encode())

    def onMessage(self, payload, is_binary):
        frame = json.loads(payload)
        if frame["t"] == "welcome":
            check("welcome", not is_binary)
            self.beginMessage()
            for piece in (b'{"t":', b'"ping"', b"}"):
                self.sendMessageFrame(piece)
            self.endMessage()
        elif frame["t"] == "pong":
            check("a message in three frames is answered", True)
            self.sendPing(b"abc")

    def onPong(self, payload):
        check("pong carries what the ping carried", payload == b"abc")
        self.sendClose(3456, "bye")

    def onClose(self, clean, code, reason):
        check(f"a clean close with our code ({code})", clean and code == 3456)
        loop.stop()


def accept(response):
    return PerMessageDeflateResponseAccept(response) if isinstance(response, PerMessageDeflateResponse) else None


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
factory = WebSocketClientFactory(url, origin=origin)
factory.protocol = Client
factory.setProtocolOptions(perMessageCompressionOffers=[PerMessageDeflateOffer()], perMessageCompressionAccept=accept, openHandshakeTimeout=10)
where = urlparse(url)
loop.run_until_complete(loop.create_connection(factory, where.hostname, where.port))
loop.call_later(30, loop.stop)
loop.run_forever()
check("the conversation came to its end", factory is not None and failed == 0)
sys.exit(1 if failed else 0)
