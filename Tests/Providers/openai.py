"""Servers that call themselves compatible with OpenAI's, with what each of them is known for."""

import json

from player import CUT, Pause, Player, Slowly, status, stream, waits

KEY = "sk-sentinel-openai"
MEDIA = "text/event-stream"


def data(fields):
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def delta(words=None, **fields):
    piece = {**({} if words is None else {"content": words}), **fields}
    return data({"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": piece, "finish_reason": None}]})


def finish(reason="stop"):
    return data({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


USAGE = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
COUNTS = data({"choices": [], "usage": USAGE})
DONE = b"data: [DONE]\n\n"
EMOJI = delta("é🙂")
SPLIT = EMOJI.find("🙂".encode()) + 2
JSON = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Whole"}, "finish_reason": "stop"}], "usage": USAGE}

SCRIPTS = {
    "whole": ([stream(MEDIA, delta("", role="assistant"), delta("Hello "), delta("é🙂"), finish(), COUNTS, DONE)], "complete",
              "Hello é🙂", {"usage": (4, 2)}),
    "counts-null-choices": ([stream(MEDIA, delta("Yes"), finish(), data({"choices": None, "usage": USAGE}), DONE)], "complete",
                            "Yes", {"usage": (4, 2)}),
    "counts-with-finish": ([stream(MEDIA, delta("Yes"), data({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                                                              "usage": USAGE}), DONE)], "complete", "Yes", {"usage": (4, 2)}),
    "comments": ([stream(MEDIA, b": OPENROUTER PROCESSING\n\n", delta("Yes"), b": keep-alive\n\n", finish(), DONE)], "complete",
                 "Yes", {}),
    "carriage-returns": ([stream(MEDIA, (delta("Yes") + finish() + DONE).replace(b"\n", b"\r\n"))], "complete", "Yes", {}),
    "split-letters": ([stream(MEDIA, EMOJI[:SPLIT], EMOJI[SPLIT:], finish(), DONE)], "complete", "é🙂", {}),
    "reasoning-content": ([stream(MEDIA, delta(None, reasoning_content="Hm."), delta("Yes"), finish(), DONE)], "complete", "Yes",
                          {"reasoning": "Hm."}),
    "reasoning": ([stream(MEDIA, delta(None, reasoning="Hm.", content=""), delta("Yes"), finish(), DONE)], "complete", "Yes",
                  {"reasoning": "Hm."}),
    "refusal": ([stream(MEDIA, delta(None, refusal="I must not."), finish(), DONE)], "complete", "I must not.", {}),
    "no-done": ([stream(MEDIA, delta("Yes"), finish())], "complete", "Yes", {}),
    "length": ([stream(MEDIA, delta("Yes"), finish("length"), DONE)], "complete", "Yes", {"stop_reason": "length"}),
    "not-streamed": ([status("200 OK", json.dumps(JSON), "content-type: application/json")], "complete", "Whole", {"usage": (4, 2)}),
    "done-without-reason": ([stream(MEDIA, delta("Half"), DONE)], "failed", "Half", {"code": "cut_off"}),
    "error-inside": ([stream(MEDIA, delta("Half"), data({"error": {"message": "prompt-sentinel", "code": 502}}), DONE)], "failed",
                     "Half", {"code": "unavailable"}),
    "error-event": ([stream(MEDIA, delta("Half"), b"event: error\ndata: {\"error\":\"prompt-sentinel\"}\n\n")], "failed", "Half",
                    {"code": "unavailable"}),
    "cut": ([stream(MEDIA, delta("Half"), delta("lost")[:20], CUT)], "failed", "Half", {"code": "cut_off"}),
    "slow-loris": ([stream(MEDIA, delta("Half"))[:-1] + [Slowly(b"1\r\n:\r\n" * 20, 0.2)]], "failed", "Half", {"code": "timed_out"}),
    "silence": ([stream(MEDIA, delta("Half"), Pause(4), finish(), DONE)], "failed", "Half", {"code": "timed_out"}),
    "throttled-once": ([status("429 Too Many Requests", "{}", "retry-after-ms: 50"), stream(MEDIA, delta("Yes"), finish(), DONE)],
                       "complete", "Yes", {"requests": 2}),
    "no-quota": ([status("429 Too Many Requests", json.dumps({"error": {"code": "insufficient_quota", "message": "x"}}))], "failed", "",
                 {"code": "unavailable", "requests": 1}),
    "wrong-key": ([status("401 Unauthorized", json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}))], "failed", "",
                  {"code": "unauthorized", "requests": 1}),
    "too-long": ([status("400 Bad Request", json.dumps({"error": {"code": "context_length_exceeded", "message": "x"}}))], "failed",
                 "", {"code": "too_long"}),
    "nothing": ([stream(MEDIA)], "failed", "", {"code": "too_long", "requests": 3}),
    "web-page": ([status("200 OK", "<html>prompt-sentinel</html>", "content-type: text/html")], "failed", "", {"code": "malformed"}),
    "redirect": ([status("302 Found", "", "location: http://127.0.0.1:1/")], "failed", "", {"code": "malformed", "requests": 1}),
}


def name_of(_, body):
    return json.loads(body)["model"]


def refuse(head, _):
    return None if head[1].get("authorization") == f"Bearer {KEY}" else status("401 Unauthorized", "{}")


def play():
    return Player({name: script[0] for name, script in SCRIPTS.items()}, name_of, refuse)


def entries(url):
    return [{"provider": "openai", "id": f"openai-{name}", "model": name, "base_url": f"{url}/v1", "key_env": "COMPATIBLE_KEY",
             **waits(name)} for name in SCRIPTS]
