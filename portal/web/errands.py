"""Work that is done after the response was sent, such as sending mail: so the time that a response takes does not tell
whether there was any.
"""

import asyncio
from typing import Final

from aiohttp import web

ERRANDS: Final = web.AppKey("errands", asyncio.TaskGroup)
