"""A real small model behind llama.cpp: a conversation of ten turns, stop, continue, more than its window, two at once."""

import concurrent.futures
import time
import urllib.parse

from task import Chat, Task

CONTEXT_TOKENS = 2048
QUESTIONS = ["Hello! My name is Ada.", "What is the capital of France?", "Name three colours.", "What is two plus two?",
             "Which animal barks?", "Name a river in Egypt.", "What is water made of?", "Who wrote Hamlet?",
             "Which planet is closest to the sun?", "Say goodbye in one sentence."]


def entry(url, id, **fields):
    return {"provider": "openai", "id": id, "model": "smollm2-135m", "base_url": url, "output_tokens_max": 60, "temperature": 0,
            "first_token_seconds": 300, **fields}


def ten_turns(task):
    chat, lines = Chat(task, "small"), []
    for question in QUESTIONS:
        message = chat.ask(question)
        assert message["state"] == "complete" and message["text"].strip(), message
        lines.append(f"    > {question}\n    {message['text'].strip().splitlines()[0][:110]}")
    page = task.call("GET", f"{chat.path}?limit=100", chat.key)
    assert [message["role"] for message in page["messages"]] == ["user", "assistant"] * 10
    return "\n" + "\n".join(lines)


def stop_and_continue(task):
    chat = Chat(task, "long")
    chat.say("Tell me a long story about the sea.")
    chat.until_text()
    begun = time.monotonic()
    stopped = chat.stop()
    seconds = time.monotonic() - begun
    assert stopped["state"] == "stopped" and stopped["text"], stopped
    message = chat.go_on(stopped)
    assert message["state"] == "complete" and message["text"].startswith(stopped["text"]), message
    assert len(message["text"]) > len(stopped["text"])
    return f"stopped within {seconds:.2f} s at {len(stopped['text'])} characters, went on to {len(message['text'])}"


def overflow(task, model):
    """Each turn is a page of text; the window holds a few of them."""
    chat = Chat(task, model)
    for turn in range(6):
        message = chat.ask(f"Turn {turn}. " + "All work and no play makes Jack a dull boy. " * 60 + "What did I say?")
        assert message["state"] == "complete" and message["text"].strip(), f"turn {turn}: {message}"
    return "6 turns of about 700 tokens each"


def alone(task):
    """One prompt that is longer than the window: said so, not silence."""
    message = Chat(task, "unknown-window").ask("All work and no play makes Jack a dull boy. " * 400)
    assert message["state"] == "failed" and message["error"]["code"] == "too_long", message
    return message["error"]["message"]


def two_at_once(task):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda text: Chat(task, "small").ask(text), ["What is a boat?", "What is a tree?"]))
    assert all(message["state"] == "complete" and message["text"].strip() for message in found), found


def run_all(options, run):
    url = urllib.parse.urlunsplit(urllib.parse.urlsplit(options.local)._replace(query="", fragment=""))
    task = Task(options.stoa, [entry(url, "small", context_tokens=CONTEXT_TOKENS),
                               entry(url, "long", context_tokens=CONTEXT_TOKENS, output_tokens_max=300, prefill=False),
                               entry(url, "unknown-window")], {})
    try:
        run("real model: ten turns", lambda: ten_turns(task))
        run("real model: stopped, and gone on with", lambda: stop_and_continue(task))
        run("real model: more than its window, which is known", lambda: overflow(task, "small"))
        run("real model: more than its window, which is not known", lambda: overflow(task, "unknown-window"))
        run("real model: one prompt longer than its window", lambda: alone(task))
        run("real model: two conversations at once", lambda: two_at_once(task))
    finally:
        task.close()
