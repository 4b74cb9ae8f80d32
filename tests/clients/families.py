"""Every family of calls that the official openai package for Python has and Azure answers: the families that the
arguments name, in their order. Whose client it is, and how it is led, is in the environment: with an
AZURE_OPENAI_ENDPOINT it is AzureOpenAI, else OpenAI. MODELS says what the models are called there.

families.mjs makes the same calls in the same order.
"""

import asyncio
import io
import json
import os
import sys
import warnings
import zlib

import openai

AUDIO = bytes(range(256)) * 64
LINE = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"x"}}\n'
# Some of them are deprecated; they are called all the same.
warnings.simplefilter("ignore", DeprecationWarning)

MODELS = json.loads(os.environ.get("MODELS", "{}"))

azure = "AZURE_OPENAI_ENDPOINT" in os.environ
client = openai.AzureOpenAI(max_retries=0) if azure else openai.OpenAI(max_retries=0)
# Not those of the synchronous client: they read and write in two threads, which in Python 3.11 loses one handshake
# of some hundred where TLS 1.3 brings a session ticket, without any proxy too.
sockets = None if azure else openai.AsyncOpenAI(max_retries=0)


def model(name):
    return MODELS.get(name, name)


def file(name, content):
    content = io.BytesIO(content)
    content.name = name
    return content


def said(text):
    return [{"role": "user", "content": text}]


def chat():
    answer = client.chat.completions.create(model=model("gpt-4o"), messages=said("Grüße, „Welt“ \u2028"))
    assert "Grüße, „Welt“" in answer.choices[0].message.content, answer
    text = ""
    for chunk in client.chat.completions.create(model=model("gpt-4o"), messages=said("one two"), stream=True):
        # Azure's chunk about its filter has no choices; who asks it directly, with its names, has to live with that.
        if chunk.choices or not MODELS:
            text += chunk.choices[0].delta.content or ""
    assert text == "You said: one two", text


def stored():
    completions = client.chat.completions
    made = completions.create(
        model=model("gpt-4o"), messages=said("keep"), store=True, metadata={"a": "1"}
    )
    assert made.id in [found.id for found in completions.list(model="gpt-4o")]
    assert completions.retrieve(made.id).metadata == {"a": "1"}
    assert completions.update(made.id, metadata={"a": "2"}).metadata == {"a": "2"}
    assert [message.content for message in completions.messages.list(made.id)] == ["keep"]
    assert completions.delete(made.id).deleted


def completions():
    answer = client.completions.create(model=model("gpt-3.5-turbo-instruct"), prompt="once upon")
    assert "once upon" in answer.choices[0].text, answer


def embeddings():
    answer = client.embeddings.create(model=model("text-embedding-3-small"), input=["a", "b"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) > 1, answer


def heard(answer):
    assert f"{len(AUDIO)} bytes of speech.wav with the CRC-32 {zlib.crc32(AUDIO):08x}" in answer.text, answer


def whisper():
    asked = {"file": ("speech.wav", AUDIO), "model": model("whisper-1")}
    heard(client.audio.transcriptions.create(**asked))
    heard(client.audio.translations.create(**asked))


def audio():
    asked = {"file": ("speech.wav", AUDIO), "model": model("gpt-4o-transcribe")}
    heard(client.audio.transcriptions.create(**asked))
    spoken = client.audio.speech.create(model=model("tts-1"), voice="alloy", input="hello").read()
    assert len(spoken) == 4096, len(spoken)


def images():
    made = client.images.generate(model=model("gpt-image-1"), prompt="blue", n=2)
    assert len(made.data) == 2 and made.data[0].b64_json.startswith("iVBORw0KGgo"), made


def image_edits():
    made = client.images.edit(image=file("a.png", AUDIO), model=model("gpt-image-1"), prompt="red")
    assert made.data[0].b64_json.startswith("iVBORw0KGgo"), made


def responses():
    made = client.responses.create(model=model("gpt-4o"), input="hello")
    assert "hello" in made.output_text, made
    events = list(client.responses.create(model=model("gpt-4o"), input="more", stream=True))
    assert [events[0].type, events[-1].type] == ["response.created", "response.completed"], events
    assert client.responses.retrieve(made.id).output_text == made.output_text
    assert len(list(client.responses.input_items.list(made.id))) == 1
    client.responses.delete(made.id)


def background():
    made = client.responses.create(model=model("gpt-4o"), input="later", background=True)
    assert made.status == "queued", made
    assert client.responses.cancel(made.id).status == "cancelled"


def conversations():
    made = client.conversations.create(metadata={"a": "1"})
    client.conversations.items.create(made.id, items=[{"type": "message", **said("hi")[0]}])
    (item,) = client.conversations.items.list(made.id)
    assert client.conversations.items.retrieve(item.id, conversation_id=made.id).id == item.id
    client.conversations.items.delete(item.id, conversation_id=made.id)
    assert client.conversations.update(made.id, metadata={"a": "2"}).metadata == {"a": "2"}
    assert client.conversations.retrieve(made.id).id == made.id
    assert client.conversations.delete(made.id).deleted


def files():
    made = client.files.create(file=file("in.jsonl", LINE), purpose="batch")
    assert made.id in [found.id for found in client.files.list()]
    assert client.files.retrieve(made.id).bytes == len(LINE)
    assert client.files.content(made.id).read() == LINE
    assert client.files.delete(made.id).deleted


def batches():
    lines = client.files.create(file=file("in.jsonl", LINE), purpose="batch")
    made = client.batches.create(
        input_file_id=lines.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert made.id in [found.id for found in client.batches.list()]
    assert client.batches.retrieve(made.id).status == "validating"
    assert client.batches.cancel(made.id).status == "cancelling"


def uploads():
    begun = {"bytes": len(LINE), "filename": "in.jsonl", "mime_type": "text/jsonl", "purpose": "batch"}
    upload = client.uploads.create(**begun)
    parts = [
        client.uploads.parts.create(upload.id, data=file("upload", data)).id for data in (LINE[:9], LINE[9:])
    ]
    made = client.uploads.complete(upload.id, part_ids=parts)
    assert client.files.content(made.file.id).read() == LINE
    assert client.uploads.cancel(client.uploads.create(**begun).id).status == "cancelled"


def vector_stores():
    stored = client.files.create(file=file("a.txt", b"text"), purpose="assistants")
    made = client.vector_stores.create(name="n")
    assert client.vector_stores.update(made.id, name="m").name == "m"
    added = client.vector_stores.files.create(made.id, file_id=stored.id)
    assert [found.id for found in client.vector_stores.files.list(made.id)] == [added.id]
    assert client.vector_stores.files.delete(added.id, vector_store_id=made.id).deleted
    assert client.vector_stores.retrieve(made.id).name == "m"
    assert client.vector_stores.delete(made.id).deleted


def fine_tuning():
    lines = client.files.create(file=file("in.jsonl", LINE), purpose="fine-tune")
    made = client.fine_tuning.jobs.create(model="gpt-4o", training_file=lines.id)
    assert made.id in [found.id for found in client.fine_tuning.jobs.list()]
    assert client.fine_tuning.jobs.retrieve(made.id).model == "gpt-4o"
    assert client.fine_tuning.jobs.cancel(made.id).status == "cancelled"


def evals():
    source = {"type": "custom", "item_schema": {}}
    made = client.evals.create(name="e", data_source_config=source, testing_criteria=[])
    assert client.evals.retrieve(made.id).name == "e"
    lines = {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {}}]}}
    run = client.evals.runs.create(made.id, data_source=lines)
    assert [found.id for found in client.evals.runs.list(made.id)] == [run.id]
    assert list(client.evals.runs.output_items.list(run.id, eval_id=made.id)) == []
    assert client.evals.runs.delete(run.id, eval_id=made.id).deleted
    assert client.evals.delete(made.id).deleted


def containers():
    made = client.containers.create(name="c")
    added = client.containers.files.create(made.id, file=file("a.txt", b"octets"))
    assert [found.id for found in client.containers.files.list(made.id)] == [added.id]
    assert client.containers.files.content.retrieve(added.id, container_id=made.id).read() == b"octets"
    client.containers.files.delete(added.id, container_id=made.id)
    client.containers.delete(made.id)


def videos():
    made = client.videos.create(model=model("sora-2"), prompt="a cat")
    assert client.videos.retrieve(made.id).status == "completed"
    assert len(client.videos.download_content(made.id).read()) == 4096
    again = client.videos.remix(made.id, prompt="a dog")
    assert [video.id for video in client.videos.list()][:2] == [again.id, made.id]
    client.videos.delete(made.id)


def models():
    names = {found.id for found in client.models.list()}
    assert "gpt-4o" in names, names
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def client_secrets():
    transcription = {"model": model("whisper-1")}
    session = {
        "type": "realtime",
        "model": model("gpt-4o-realtime-preview"),
        "audio": {"input": {"transcription": transcription}},
    }
    made = client.realtime.client_secrets.create(session=session)
    assert made.value.startswith("ek_"), made


async def realtime():
    async with sockets.realtime.connect(model=model("gpt-4o-realtime-preview")) as connection:
        assert (await connection.recv()).type == "session.created"
        transcription = {"model": model("whisper-1")}
        await connection.session.update(
            session={"type": "realtime", "audio": {"input": {"transcription": transcription}}}
        )
        assert (await connection.recv()).type == "session.updated"
        content = [{"type": "input_text", "text": "hello there"}]
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )
        await connection.response.create()
        text = ""
        async for event in connection:
            assert event.type != "error", event
            if event.type == "response.output_text.delta":
                text += event.delta
            if event.type == "response.done":
                break
        assert text == "You said: hello there", text


async def responses_socket():
    async with sockets.responses.connect() as connection:
        await connection.response.create(model=model("gpt-4o"), input="hello there")
        async for event in connection:
            assert event.type != "error", event
            if event.type == "response.completed":
                assert "hello there" in event.response.output_text, event
                break


for family in sys.argv[1:]:
    print(f"{family} …", file=sys.stderr)
    called = globals()[family]()
    if called is not None:
        asyncio.run(called)
