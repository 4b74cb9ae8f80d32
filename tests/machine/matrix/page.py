"""Asks for the proxy's own page on the intercepted name with the library that is named first."""

import asyncio
import sys

URL = "https://api.openai.com/.well-known/azure-openai-proxy"


async def by_aiohttp():
    import aiohttp

    # The one library here that reads no proxy variable unless its program says so.
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(URL) as answer:
        return await answer.text()


match sys.argv[1]:
    case "urllib":
        import urllib.request

        print(urllib.request.urlopen(URL).read().decode())
    case "requests":
        import requests

        print(requests.get(URL).text)
    case "httpx":
        import httpx

        print(httpx.get(URL).text)
    case "aiohttp":
        print(asyncio.run(by_aiohttp()))
