#!/usr/bin/env python3
"""python3-websockets against the widget's endpoint: usage: websockets_client.py URL ORIGIN. Prints one line a check; exit 1 when one fails."""
import asyncio, json, sys
import websockets

url, origin = sys.argv[1:3]
failed = 0


def check(what, good):
    global failed
    failed += not good
    print(("ok " if good else "FAIL ") + what)


async def hello(socket):
    await socket.send(json.dumps({"t": "hello", "locale": "en-US"}))
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def pong(socket):
    await socket.send('{"t":"ping"}')
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if frame["t"] == "pong":
            return True


async def main():
    for compression in (None, "deflate"):
        async with websockets.connect(url, origin=origin, compression=compression) as socket:
            welcome = await hello(socket)
            check(f"welcome (compression {compression})", welcome["t"] == "welcome")
            check("an answer", await pong(socket))

            async def pieces():
                for piece in ('{"t"', ':"pi', "", 'ng"}'):
                    yield piece
            await socket.send(pieces())
            frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
            check("a fragmented message is put together", frame["t"] == "pong")
            waiter = await socket.ping(b"x" * 125)
            await asyncio.wait_for(waiter, 10)
            check("a ping of 125 bytes is answered", True)
            await socket.send(json.dumps({"t": "send", "cid": "00000000-0000-4000-8000-00000000000%d" % (compression is None), "text": "汉字 🎋 " * 900}))
            for _ in range(20):
                frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
                if frame["t"] in ("ack", "error"):
                    break
            check("a long Chinese message is acknowledged", frame["t"] == "ack")
            await socket.close(1000, "done")
            check("closed with 1000", socket.close_code == 1000)
    async with websockets.connect(url, origin=origin) as socket:
        await hello(socket)
        await socket.send(b"\x00\x01")
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 10)
        except websockets.ConnectionClosed:
            pass
        check(f"binary is refused ({socket.close_code})", socket.close_code in (1003, 1007))
    async with websockets.connect(url, origin=origin, max_size=None) as socket:
        await hello(socket)
        await socket.send("x" * 70000)
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 10)
        except websockets.ConnectionClosed:
            pass
        check(f"too long is refused ({socket.close_code})", socket.close_code in (1009, 1007))
    many = [await websockets.connect(url, origin=origin) for _ in range(50)]
    welcomes = await asyncio.gather(*(hello(s) for s in many))
    check("fifty at once", all(w["t"] == "welcome" for w in welcomes))
    await asyncio.gather(*(s.close() for s in many))


asyncio.run(main())
sys.exit(1 if failed else 0)
