"""A next hop in a process of its own: it takes its time before each 250, and writes down who got a message.

Use: slowsink.py PORT FILE. Each recipient's local part (without its first letter) becomes one line of FILE.
"""

import asyncio
import sys
from pathlib import Path

DELAY = 0.02  # seconds before the final 250: long enough for a kill to fall between


async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: Path) -> None:
    """One client's session: just enough SMTP."""
    recipients: list[bytes] = []
    writer.write(b"220 slow.example ESMTP\r\n")
    try:
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                writer.write(b"250-slow.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n")
            elif verb == b"RCPT":
                recipients.append(line[line.index(b"<") + 2 : line.index(b"@")])
                writer.write(b"250 2.1.5 OK\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go\r\n")
                while await reader.readline() not in (b".\r\n", b""):
                    pass
                await asyncio.sleep(DELAY)
                with kept.open("ab") as file:
                    file.write(b"".join(recipient + b"\n" for recipient in recipients))
                recipients = []
                writer.write(b"250 2.0.0 kept\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                break
            else:
                writer.write(b"250 2.0.0 OK\r\n")
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main(port: int, kept: Path) -> None:
    """Serve until ended."""
    server = await asyncio.start_server(lambda r, w: session(r, w, kept), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
