"""The official openai package for Python, unmodified: how it is led to the proxy is in the environment."""

import io
import json
import sys
import time

import openai

client = openai.OpenAI(max_retries=0)


def chat():
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hello from python"}]
    )
    assert "hello from python" in answer.choices[0].message.content, answer
    assert answer.usage.total_tokens > 0, answer


def stream():
    """Prints when each chunk arrived, in milliseconds from the first."""
    arrived, text, usage = [], "", None
    chunks = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "one two three four five six"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in chunks:
        arrived.append(time.monotonic())
        for choice in chunk.choices:
            text += choice.delta.content or ""
        usage = chunk.usage or usage
    assert "one two three four five six" in text, text
    assert usage is not None and usage.completion_tokens > 0, usage
    return [round((at - arrived[0]) * 1000) for at in arrived]


def responses():
    answer = client.responses.create(model="gpt-4o", input="hello again")
    assert "hello again" in answer.output_text, answer
    names = [event.type for event in client.responses.create(model="gpt-4o", input="once more", stream=True)]
    assert names[0] == "response.created" and names[-1] == "response.completed", names


def embeddings():
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) > 1, answer


def transcription():
    audio = io.BytesIO(b"RIFF" + bytes(range(256)) * 2048)
    audio.name = "speech.wav"
    for model in ["gpt-4o-transcribe", "whisper-1"]:
        audio.seek(0)
        answer = client.audio.transcriptions.create(model=model, file=audio)
        assert "524292" in answer.text, answer


def models():
    names = {model.id for model in client.models.list()}
    assert {"gpt-4o", "whisper-1"} <= names, names
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def errors():
    try:
        client.chat.completions.create(model="no-such-model", messages=[])
    except openai.NotFoundError as error:
        assert error.code == "DeploymentNotFound", error.body
    else:
        raise AssertionError("an unknown deployment was answered")
    try:
        client.fine_tuning.checkpoints.permissions.create("ckpt", project_ids=["p"])
    except openai.NotFoundError as error:
        assert error.code == "unsupported_on_azure", error.body
    else:
        raise AssertionError("Azure has no checkpoint permissions")


def main():
    done = {}
    for check in [chat, stream, responses, embeddings, transcription, models, errors]:
        done[check.__name__] = check()
        print(f"{check.__name__}: ok", file=sys.stderr)
    print(json.dumps(done))


main()
