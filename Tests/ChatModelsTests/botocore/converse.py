"""What boto3's own client reads from a server: converse.py URL MODEL, one JSON line."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError


def read(url, model, key=("AKIDEXAMPLE", "secret-word", "token-word"), region="us-east-1"):
    client = boto3.client(
        "bedrock-runtime", region_name=region, endpoint_url=url, aws_access_key_id=key[0],
        aws_secret_access_key=key[1], aws_session_token=key[2],
        config=Config(retries={"max_attempts": 0, "mode": "standard"}, read_timeout=20))
    seen = {"text": "", "reasoning": "", "stop_reason": None, "input_tokens": None, "output_tokens": None,
            "error": None}
    try:
        response = client.converse_stream(
            modelId=model, messages=[{"role": "user", "content": [{"text": "Hi"}]}])
        for event in response["stream"]:
            delta = event.get("contentBlockDelta", {}).get("delta", {})
            seen["text"] += delta.get("text", "")
            seen["reasoning"] += delta.get("reasoningContent", {}).get("text", "")
            if "messageStop" in event:
                seen["stop_reason"] = event["messageStop"]["stopReason"]
            if "metadata" in event:
                seen["input_tokens"] = event["metadata"]["usage"]["inputTokens"]
                seen["output_tokens"] = event["metadata"]["usage"]["outputTokens"]
    except (ClientError, EventStreamError) as error:
        seen["error"] = error.response["Error"]["Code"]
    except Exception as error:  # of urllib3 or of the checksums, when a body breaks
        seen["error"] = type(error).__name__
    return seen


if __name__ == "__main__":
    print(json.dumps(read(sys.argv[1], sys.argv[2])))
