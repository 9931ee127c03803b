"""Runs the provider tests: see `run`."""

import argparse
import concurrent.futures
import functools
import os
import pathlib
import sys
import time
import traceback

HOME = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / "Tests/ChatModelsTests/botocore"))

import bedrock  # noqa: E402
import openai  # noqa: E402
import local_model  # noqa: E402
from task import Chat, Task  # noqa: E402

PROMPT = "prompt-sentinel, please"
# What must never be in a log: keys of both sides, and what was said.
SECRETS = [bedrock.SECRET, bedrock.TOKEN, openai.KEY, "prompt-sentinel", "Hello é", "Half"]
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": bedrock.KEY_ID, "AWS_SECRET_ACCESS_KEY": bedrock.SECRET, "AWS_SESSION_TOKEN": bedrock.TOKEN,
               "AWS_REGION": bedrock.REGION, "COMPATIBLE_KEY": openai.KEY}


def converse(task, player, provider, name, script):
    """One question to one script; the state and text it has to end with, in the store of the task."""
    _, state, text, more = script
    message = Chat(task, f"{provider}-{name}").ask(PROMPT)
    seen = (message["state"], message["text"], (message["error"] or {}).get("code"))
    assert seen == (state, text, more.get("code")), f"ended as {seen}"
    assert message["reasoning"] == more.get("reasoning", ""), f"reasoning {message['reasoning']!r}"
    if "usage" in more:
        usage = message["usage"] and (message["usage"]["input_tokens"], message["usage"]["output_tokens"])
        assert usage == more["usage"], f"usage {usage}"
    assert more.get("stop_reason") in (None, message["stop_reason"]), message["stop_reason"]
    assert player.count(name) == more.get("requests", player.count(name)), f"{player.count(name)} requests"
    said = (message["error"] or {}).get("message", "")
    assert not any(secret in said for secret in SECRETS) and "127.0.0.1" not in said, said


def compare(url, name, script):
    """What boto3's own client makes of the same stream: so the player is right."""
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    import converse as theirs
    _, state, text, more = script
    judged = more.get("boto3", "")
    seen = theirs.read(url, f"{bedrock.PROFILE}{name}-v1:0", key=(bedrock.KEY_ID, bedrock.SECRET, bedrock.TOKEN),
                       region=bedrock.REGION)
    assert (seen["text"], seen["reasoning"]) == (text, more.get("reasoning", "")), seen
    if judged is None:
        assert seen["error"], seen
    else:
        assert (seen["error"] or "") == judged, seen


def dead_provider(task):
    """A provider that is away: after a few questions the next ones are answered at once, and nobody is asked."""
    durations = []
    for _ in range(6):
        begun = time.monotonic()
        message = Chat(task, "dead").ask(PROMPT)
        durations.append(time.monotonic() - begun)
        assert message["state"] == "failed" and message["error"]["code"] == "unavailable", message
    assert max(durations[3:]) < min(durations[:3]), durations
    assert "has not answered for a while" in message["error"]["message"], message["error"]
    return f"first three {durations[0]:.2f} {durations[1]:.2f} {durations[2]:.2f} s, then {max(durations[3:]):.2f} s at most"


def quiet_log(task):
    text = task.text()
    assert text.count(" turn") > 30 and "cause" in text, "the log does not tell of the turns"
    found = [secret for secret in SECRETS if secret in text]
    assert not found, f"in the log: {found}"
    return f"{len(text.splitlines())} lines at level trace, {len(SECRETS)} secrets looked for"


def run(name, function, failures):
    begun = time.monotonic()
    try:
        note = function()
    except Exception:
        failures.append(name)
        print(f"FAILED  {name}\n{traceback.format_exc(limit=-2)}", flush=True)
    else:
        print(f"passed  {name} ({time.monotonic() - begun:.1f} s){f': {note}' if note else ''}", flush=True)


def scripted(options, failures):
    players = {"bedrock": (bedrock, bedrock.play()), "openai": (openai, openai.play())}
    models = [entry for module, player in players.values() for entry in module.entries(player.url)]
    models.append({"provider": "openai", "id": "dead", "base_url": "http://127.0.0.1:9/v1", "key_env": "COMPATIBLE_KEY"})
    task = Task(options.stoa, models, ENVIRONMENT)
    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for provider, (module, player) in players.items():
                for name, script in module.SCRIPTS.items():
                    if options.only in f"{provider} {name}":
                        question = functools.partial(converse, task, player, provider, name, script)
                        pool.submit(run, f"{provider}: {name}", question, failures)
        for name, script in bedrock.SCRIPTS.items():
            if options.only in f"boto3 {name}" and script[3].get("boto3", "") is not False:
                run(f"boto3 reads the same: {name}", lambda: compare(players["bedrock"][1].url, name, script), failures)
        if options.only in "a dead provider":
            run("a dead provider is not waited for", lambda: dead_provider(task), failures)
        if not options.only:
            run("no key and no text in the log", lambda: quiet_log(task), failures)
    finally:
        task.close()
        for _, player in players.values():
            player.close()


def main():
    parser = argparse.ArgumentParser(prog="Tests/Providers/run", description="Stoa against servers that play providers of models.")
    parser.add_argument("--stoa", default=str(HOME / ".build/debug/stoa"), help="path of the binary (default: .build/debug/stoa)")
    parser.add_argument("--only", default="", help="run the tests whose names contain this")
    parser.add_argument("--local", metavar="URL", help="also a conversation with the real model that is served there")
    options = parser.parse_args()
    options.stoa = os.path.abspath(options.stoa)
    if not os.access(options.stoa, os.X_OK):
        sys.exit(f"{options.stoa}: no such program")
    failures = []
    scripted(options, failures)
    if options.local:
        local_model.run_all(options, lambda name, function: run(name, function, failures))
    print(f"{len(failures)} failed" if failures else "all passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
