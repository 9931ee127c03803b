"""Random requests and botocore's signatures of them, as JSON lines: signatures.py SEED COUNT"""

import datetime
import json
import random
import sys

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LETTERS = "abcXYZ019-._~"
TEXT = "aé🙂漢 \"\\\n\t%&=+/:"


def word(generator, letters, longest):
    return "".join(generator.choice(letters) for _ in range(generator.randint(1, longest)))


def encoded(text):
    return "".join(c if c in "-._~" or (c.isascii() and c.isalnum()) else "".join(f"%{b:02X}" for b in c.encode())
                   for c in text)


def request(generator):
    model = "m" + word(generator, LETTERS + ":/+ é@!$'()*,;=", 60)
    region = generator.choice(["us-east-1", "eu-central-1", "cn-north-1"])
    host = generator.choice([f"bedrock-runtime.{region}.amazonaws.com", "127.0.0.1:8123", "vpc.example:8443"])
    base = generator.choice(["", "", "/proxy/a~b"])
    query = [[word(generator, LETTERS + " é&=", 8), word(generator, LETTERS + "/ é+", 8)]
             for _ in range(generator.choice([0, 0, 0, 1, 3]))]
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": word(generator, TEXT, 300)}]}]},
                      ensure_ascii=False)
    return {
        "method": "POST", "host": host, "region": region,
        "path": f"{base}/model/{encoded(model)}/{generator.choice(['converse', 'converse-stream'])}",
        "query": query, "body": body, "content_type": generator.choice(["application/json", " application/json ;  a=b"]),
        "access_key": word(generator, "ABCDEFGH234", 20), "secret": word(generator, LETTERS + "/+=", 40),
        "token": generator.choice([None, word(generator, LETTERS + "/+=", 400)]),
        "seconds": generator.randint(1_500_000_000, 4_000_000_000),
    }


def signed(case):
    """Botocore takes the time from a clock of its own; it is given ours."""
    time = datetime.datetime.fromtimestamp(case["seconds"], datetime.timezone.utc)
    query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in case["query"])
    url = f"https://{case['host']}{case['path']}" + (f"?{query}" if query else "")
    wanted = AWSRequest(case["method"], url, data=case["body"].encode(),
                        headers={"Content-Type": case["content_type"]})
    auth.get_current_datetime = lambda remove_tzinfo=True: time.replace(tzinfo=None) if remove_tzinfo else time
    auth.SigV4Auth(Credentials(case["access_key"], case["secret"], case["token"]), "bedrock",
                   case["region"]).add_auth(wanted)
    return wanted.headers["Authorization"], wanted.headers["X-Amz-Date"]


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    generator = random.Random(seed)
    for _ in range(count):
        case = request(generator)
        case["authorization"], case["date"] = signed(case)
        expected = datetime.datetime.fromtimestamp(case["seconds"], datetime.timezone.utc)
        assert case["date"] == expected.strftime("%Y%m%dT%H%M%SZ"), case["date"]
        print(json.dumps(case))


main()
