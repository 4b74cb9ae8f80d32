"""The official openai package for Python, unmodified: how it is led to the proxy is in the environment.

Standard output carries the streamed text alone, a line for each piece, written the moment it comes.
openai_node.mjs sends the same requests in the same order.
"""

import io
import sys
import zlib

import openai

PROMPT = "one two three four five six seven eight nine ten"
AUDIO = bytes(range(256)) * 2048

client = openai.OpenAI(max_retries=0)


def chat():
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hello from Python"}]
    )
    assert "hello from Python" in answer.choices[0].message.content, answer
    assert answer.usage.total_tokens > 0, answer


def stream():
    usage = None
    chunks = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": PROMPT}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in chunks:
        for choice in chunk.choices:
            if choice.delta.content:
                print(choice.delta.content, flush=True)
        usage = chunk.usage or usage
    assert usage is not None and usage.completion_tokens > 0, usage


def responses():
    answer = client.responses.create(model="gpt-4o", input="hello again")
    assert "hello again" in answer.output_text, answer
    names = [event.type for event in client.responses.create(model="gpt-4o", input="once more", stream=True)]
    assert names[0] == "response.created" and names[-1] == "response.completed", names


def embeddings():
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) > 1, answer


def transcriptions():
    for model in ["gpt-4o-transcribe", "whisper-1"]:
        audio = io.BytesIO(AUDIO)
        audio.name = "speech.wav"
        answer = client.audio.transcriptions.create(model=model, file=audio)
        assert f"{len(AUDIO)} bytes of speech.wav" in answer.text, answer
        assert f"{zlib.crc32(AUDIO):08x}" in answer.text, answer


def models():
    names = {model.id for model in client.models.list()}
    assert {"gpt-4o", "whisper-1"} <= names, names
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def errors():
    create, messages = client.chat.completions.create, [{"role": "user", "content": "hello"}]
    for code, ask in [
        ("DeploymentNotFound", lambda: create(model="no-such-model", messages=messages)),
        ("unsupported_on_azure", lambda: client.models.delete("gpt-4o")),
    ]:
        try:
            answer = ask()
        except openai.NotFoundError as error:
            assert error.code == code, error.body
        else:
            raise AssertionError(f"{code} was expected, not {answer}")


for check in [chat, stream, responses, embeddings, transcriptions, models, errors]:
    print(f"{check.__name__} …", file=sys.stderr)
    check()
