"""Bedrock as recorded: frames made by an encoder of this file's own, and requests whose signatures botocore checks."""

import binascii
import json
import struct
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from player import CUT, Pause, Player, Slowly, status, stream, waits

REGION, KEY_ID, SECRET, TOKEN = "eu-central-1", "AKIDSENTINEL", "secret-sentinel-bedrock", "token-sentinel-bedrock"
PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu."
MEDIA = "application/vnd.amazon.eventstream"


def frame(headers, payload):
    """The layout of vnd.amazon.eventstream: prelude, its CRC, headers, payload, the CRC of all."""
    encoded = b"".join(struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
                       for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + encoded + payload
    return message + struct.pack("!I", binascii.crc32(message))


def event(kind, fields):
    return frame({":event-type": kind, ":content-type": "application/json", ":message-type": "event"},
                 json.dumps(fields, ensure_ascii=False).encode())


def text(words):
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": words}, "p": "abc"})


def thought(words):
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": words}}})


def exception(kind):
    return frame({":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"},
                 b'{"message":"prompt-sentinel is why"}')


START = event("messageStart", {"role": "assistant", "p": "abcdef"})
STOP = event("messageStop", {"stopReason": "end_turn"})
COUNTS = event("metadata", {"usage": {"inputTokens": 4, "outputTokens": 2, "totalTokens": 6}, "metrics": {"latencyMs": 41}})
INVENTED = event("somethingNew", {"p": "x"})
ANSWER = [START, text("Hello "), text("é🙂"), STOP, COUNTS]
FAILED = {"message": "prompt-sentinel is why"}


def failed(line, kind, body=None):
    return status(line, json.dumps(body or FAILED), f"x-amzn-ErrorType: {kind}:http://internal.amazon.com/")


# name -> (plays, state, text, more). In more, `boto3` is the error of AWS's own client: none by default, None for one of
# its parts that has another name, False where it would only wait or ask again.
SCRIPTS = {
    "whole": ([stream(MEDIA, *ANSWER)], "complete", "Hello é🙂", {"usage": (4, 2)}),
    "thinking": ([stream(MEDIA, START, thought("Hm, "), thought("so."), INVENTED, *ANSWER[1:])], "complete", "Hello é🙂",
                 {"reasoning": "Hm, so.", "usage": (4, 2)}),
    "one-frame": ([stream(MEDIA, b"".join(ANSWER))], "complete", "Hello é🙂", {"usage": (4, 2)}),
    "byte-by-byte": ([stream(MEDIA, *(bytes([byte]) for byte in b"".join(ANSWER)))], "complete", "Hello é🙂", {}),
    "no-counts": ([stream(MEDIA, START, text("Yes"), STOP)], "complete", "Yes", {"usage": None}),
    "throttled-once": ([failed("429 Too Many Requests", "ThrottlingException"), stream(MEDIA, *ANSWER)], "complete",
                       "Hello é🙂", {"requests": 2, "boto3": False}),
    "throttled-inside-once": ([stream(MEDIA, START, exception("throttlingException")), stream(MEDIA, *ANSWER)], "complete",
                              "Hello é🙂", {"requests": 2, "boto3": False}),
    "throttled": ([failed("429 Too Many Requests", "ThrottlingException")], "failed", "",
                  {"code": "throttled", "requests": 3, "boto3": "ThrottlingException"}),
    "exception": ([stream(MEDIA, START, text("Half"), exception("modelStreamErrorException"))], "failed", "Half",
                  {"code": "unavailable", "boto3": "modelStreamErrorException"}),
    "cut": ([stream(MEDIA, START, text("Half"), text("lost")[:40], CUT)], "failed", "Half",
            {"code": "cut_off", "boto3": None}),
    "no-end": ([stream(MEDIA, START, text("Half"))], "failed", "Half", {"code": "cut_off", "boto3": ""}),
    "broken-frame": ([stream(MEDIA, START, text("Half"), text("wrong").replace(b"wrong", b"wrung"))], "failed", "Half",
                     {"code": "malformed", "boto3": None}),
    "slow-loris": ([stream(MEDIA, START, text("Half"))[:-1] + [Slowly(b"1\r\na\r\n" * 20, 0.2)]], "failed", "Half",
                   {"code": "timed_out", "boto3": False}),
    "silence": ([stream(MEDIA, START, text("Half"), Pause(4), STOP)], "failed", "Half", {"code": "timed_out", "boto3": False}),
    "denied": ([failed("403 Forbidden", "AccessDeniedException")], "failed", "",
               {"code": "unauthorized", "boto3": "AccessDeniedException"}),
    "too-long": ([failed("400 Bad Request", "ValidationException", {"message": "Input is too long for requested model."})],
                 "failed", "", {"code": "too_long", "boto3": "ValidationException"}),
    "unknown": ([failed("404 Not Found", "ResourceNotFoundException")], "failed", "",
                {"code": "unknown_model", "boto3": "ResourceNotFoundException"}),
    "proxy": ([status("502 Bad Gateway", "<html>prompt-sentinel</html>", "content-type: text/html")], "failed", "",
              {"code": "unavailable", "requests": 3, "boto3": "502"}),
}


def name_of(line, _):
    model = urllib.parse.unquote(line.split(" ")[1].split("/")[2])
    assert model.startswith(PROFILE), model
    return model.removeprefix(PROFILE).removesuffix("-v1:0")


def refuse(head, body):
    """What AWS says to a request that is not signed as botocore signs it."""
    line, headers = head
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    if "x-amz-date" not in signed or not {"host", "content-type"} <= set(signed):
        return failed("403 Forbidden", "InvalidSignatureException")
    request = AWSRequest(line.split(" ")[0], f"http://{headers['host']}{line.split(' ')[1]}", data=body,
                         headers={name: headers[name] for name in signed})
    request.context["timestamp"] = headers["x-amz-date"]
    judge = SigV4Auth(Credentials(KEY_ID, SECRET, TOKEN), "bedrock", REGION)
    signature = judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)
    return None if headers["authorization"].endswith(signature) else failed("403 Forbidden", "InvalidSignatureException")


def play():
    return Player({name: script[0] for name, script in SCRIPTS.items()}, name_of, refuse)


def entries(url):
    """The catalogue's entries for all of them."""
    return [{"provider": "bedrock", "id": f"bedrock-{name}", "model": f"{PROFILE}{name}-v1:0", "base_url": url,
             "region": REGION, **waits(name)} for name in SCRIPTS]
