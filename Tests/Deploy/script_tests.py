"""deploy.sh against the pretend account: what it says when something is wrong, and that nothing is harmed then."""

import os
import pathlib

import account
import stacks
from moto.core import DEFAULT_ACCOUNT_ID
from suite import HOME, report, test
from typist import Typist

HURRY = 10
MIGRATES_NOT = "#!/bin/sh\ncase $1 in migrate) echo 'shard 3: no space left' >&2; exit 69 ;; esac\nexec %s \"$@\"\n"
# Starts, is ready, and answers no question: what only the smoke test can notice.
MUTE = """#!/bin/sh
case $1 in migrate|health) exec %s "$@" ;; esac
exec python3 -c '
import http.server, os
class Mute(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path in ("/readyz", "/livez")
        body = b"{\\"models\\": [], \\"default\\": \\"x\\"}"
        self.send_response(200 if ready or self.path == "/api/v1/models" else 500)
        self.send_header("X-Served-By", "mute")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_DELETE = do_GET
    log_message = lambda *_: None
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["STOA_PORT"])), Mute).serve_forever()
'
"""


@test("deploy.sh says what is wrong before it touches anything")
async def refused(options):
    typist = Typist(options, HURRY)
    try:
        for words, status, wanted in [
            (["--name", "Stoa"], 64, "--name takes a lower-case letter"),
            (["--tasks", "5:2"], 64, "goes from 5 to less"),
            (["--image", "stoa:latest"], 64, "a tag may become another image"),
            (["--set", "Colour=red"], 64, "no parameter Colour"),
            (["--colour", "red"], 64, "there is no option --colour"),
            (["undeploy"], 64, "no command 'undeploy'"),
            (["--vpc", "vpc-1"], 64, "needs all of --vpc"),
            (["--public-subnets", "subnet-1"], 64, "two subnets in two zones"),
            (["status"], 1, "there is no stack stoa"),
            (["rollback"], 1, "there is no stack stoa"),
        ]:
            said = await typist.type(*words, status=status)
            assert wanted in said, f"{words}: {said}"
        nowhere = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
        assert "say --region" in await typist.type("status", status=1, **nowhere)
        lost = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
        assert "AWS does not know you" in await typist.type("status", status=1, **lost)
        helped = await typist.type("--help")
        assert "EXAMPLES" in helped and "USAGE" not in helped
        stack_names = [one["StackName"] for one in account.client("cloudformation").describe_stacks()["Stacks"]]
        assert not stack_names and not typist.docker(), (stack_names, typist.docker())
        report("12 mistakes, each explained; nothing was made")
    finally:
        typist.close()


@test("deploy.sh takes back what fails, at every step, and keeps the volume")
async def failing(options):
    typist = Typist(options, HURRY)
    good, url = options.stoa, ("--url", typist.scheduler.url)
    try:
        said = await typist.type("--plan")
        assert "+ AWS::EFS::FileSystem" in said and "+ Repository" in said
        assert not account.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
        said = await typist.type(*url, status=1, STUB_DOCKER_FAILS="build")
        assert "the image could not be built" in said and not stacks_named("stoa")
        said = await typist.type(*url, status=1, STUB_DOCKER_FAILS="push")
        assert "run this again to try again" in said and not stacks_named("stoa")
        stacks.faults["Distribution"] = "Your account must be verified before you can add new CloudFront resources"
        said = await typist.type(*url, status=1)
        assert "must be verified" in said, said
        said = await typist.type(*url, status=1)
        assert "wants such a stack deleted" in said and "must be verified" in said, said
        account.client("cloudformation").delete_stack(StackName="stoa")
        said = await typist.type(*url)
        assert "Stoa serves" in said and "read again from 2 task(s)" in said
        first = typist.parameter("ImageUri")
        said = await typist.type("--plan", "--tasks", "3:6")
        assert "~ ScalableTarget" in said and typist.parameter("TasksMax") == "10", said
        report("first deployment after a failed build, push and stack; a plan that changed nothing")
        await bad_schema(typist, url, first, good)
        await mute(typist, url, first, good)
        await back_again(typist, url, first, good)
        await dangerous(typist, url)
        await destroyed(typist)
    finally:
        typist.close()


def stacks_named(name):
    return [one for one in account.client("cloudformation").describe_stacks()["Stacks"]
            if one["StackName"] == name and one["StackStatus"] != "REVIEW_IN_PROGRESS"]


async def bad_schema(typist, url, first, good):
    serving = [task.name for task in typist.scheduler.tasks]
    bad = typist.image(typist.program("migrates-not", MIGRATES_NOT % good), "migrates-not")
    said = await typist.type("--image", bad, *url, status=1)
    assert "shard 3: no space left" in said and "status 69" in said and "was not touched" in said, said
    assert typist.parameter("ImageUri") == first and [task.name for task in typist.scheduler.tasks] == serving
    report("a migration that fails: its log was shown, the service was not touched")


async def mute(typist, url, first, good):
    said = await typist.type("--image", typist.image(typist.program("mute", MUTE % good), "mute"), *url, status=1)
    assert "no session can be made" in said and "was taken back" in said, said
    assert typist.parameter("ImageUri") == first
    assert {task.program for task in typist.scheduler.tasks} == {good}
    assert "a session, a question" in await typist.type("smoke", *url)
    report("an image that is ready and answers nothing: noticed by the smoke test, taken back by the script")


async def back_again(typist, url, first, good):
    await typist.type("--image", typist.image(good, "second"), *url)
    assert typist.parameter("ImageUri") != first
    said = await typist.type("rollback", *url)
    # The image before the present one; those that were taken back never served.
    assert "Stoa serves" in said, said
    said = await typist.type("status")
    assert "2 of 2 tasks run" in said and "FileSystemId" in said, said
    report("rollback and status")


async def dangerous(typist, url):
    """A change that would drop the volume from the stack: by giving it away as somebody else's."""
    volume = next(value for name, value in outputs("stoa").items() if name == "FileSystemId")
    template = HOME / "deploy/template.yml"
    text = template.read_text()
    begin, end = text.index("  Volume:\n"), text.index("  # Whoever comes through here is user 10001")
    copy = pathlib.Path(typist.folder, "clone")
    os.makedirs(copy / "deploy")
    for name in ("deploy.sh", "aws", "base.yml"):
        os.symlink(HOME / "deploy" / name, copy / "deploy" / name)
    without = (text[:begin] + text[end:]).replace("!If [MakesVolume, !Ref Volume, !Ref FileSystemId]", "!Ref FileSystemId")
    (copy / "deploy/template.yml").write_text(without)
    script = copy / "deploy/run.sh"
    script.write_text((HOME / "deploy/deploy.sh").read_text())
    script.chmod(0o755)
    said = await typist.type("--image", typist.parameter("ImageUri"), *url, status=1, script=script)
    assert "without its volume" in said and "Nothing was changed" in said, said
    assert outputs("stoa")["FileSystemId"] == volume
    report("a template without the volume: refused, nothing changed")


def outputs(name):
    return {one["OutputKey"]: one["OutputValue"] for one in stacks_named(name)[0]["Outputs"]}


async def destroyed(typist):
    volume = outputs("stoa")["FileSystemId"]
    assert "say --yes" in await typist.type("destroy", status=1) and stacks_named("stoa")
    said = await typist.type("destroy", "--yes", "--delete-data=fs-00000000", status=1)
    assert "nothing was deleted" in said and stacks_named("stoa"), said
    said = await typist.type("destroy", "--yes")
    assert f"kept: {volume}" in said and not stacks_named("stoa") and not stacks_named("stoa-base"), said
    efs = account.client("efs")
    assert [one["FileSystemId"] for one in efs.describe_file_systems()["FileSystems"]] == [volume]
    assert "there is no stack" in await typist.type("destroy", "--yes")
    assert DEFAULT_ACCOUNT_ID == account.ACCOUNT
    report("destroy: asked first, kept the volume; a second time it had nothing to do")
