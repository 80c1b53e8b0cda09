"""What goes on after an answer was given: mail that is sent later, so that no answer tells whether there was any."""

import asyncio
from typing import Final

from aiohttp import web

ERRANDS: Final = web.AppKey("errands", asyncio.TaskGroup)
