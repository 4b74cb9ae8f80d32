"""A chat completion by the openai package, over the transport that is named first."""

import asyncio
import sys

import openai

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello from the matrix"}]}


async def by_async(**options):
    async with openai.AsyncOpenAI(max_retries=0, **options) as client:
        return await client.chat.completions.create(**ASKED)


match sys.argv[1]:
    case "sync":
        answer = openai.OpenAI(max_retries=0).chat.completions.create(**ASKED)
    case "async":
        answer = asyncio.run(by_async())
    case "aiohttp":
        answer = asyncio.run(by_async(http_client=openai.DefaultAioHttpClient()))
print(answer.choices[0].message.content)
