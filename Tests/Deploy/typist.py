"""Somebody who types deploy.sh: the pretend account is behind the AWS client, a stub behind docker."""

import asyncio
import hashlib
import json
import os
import pathlib
import shutil
import tempfile

import account
import ecs
import moto.backends
import stacks
from suite import HOME

SCRIPT = HOME / "deploy/deploy.sh"


class Typist:
    """An account of its own, empty, in which one service may be deployed."""

    account = None

    def __init__(self, options, hurry):
        Typist.account = Typist.account or account.Account()
        moto_reset()
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="stoa-deploy-", dir=os.environ.get("STOA_TEST_VOLUME"))
        self.scheduler = stacks.scheduler = ecs.Scheduler(
            self.folder, options.stoa, hurry, has_health(options.stoa))
        stacks.faults.clear()
        tools = os.path.join(self.folder, "bin")
        os.mkdir(tools)
        os.symlink(pathlib.Path(__file__).with_name("stub-docker"), os.path.join(tools, "docker"))
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": self.folder, **Typist.account.environment,
            "STUB_DOCKER_LOG": os.path.join(self.folder, "docker.log"), "STOA_DEPLOY_POLL_SECONDS": "0.3",
            "STOA_SMOKE_REACHABLE_SECONDS_MAX": "20", "TERM": "dumb", "LANG": "C.UTF-8", "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}

    async def type(self, *words, status=0, seconds=400, script=SCRIPT, **environment):
        """Runs the script; what it said. (It says everything to standard error.)"""
        process = await asyncio.create_subprocess_exec(
            str(script), *words, env=self.environment | environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        out, _ = await asyncio.wait_for(process.communicate(), seconds)
        text = out.decode()
        assert process.returncode == status, f"deploy.sh {' '.join(words)}: status {process.returncode}, not {status}:\n{text[-3000:]}"
        return text

    def image(self, program, tag):
        """An image in the registry for which `program` stands."""
        made = account.client("ecr").put_image(
            repositoryName="stoa-base", imageTag=tag, imageManifest=json.dumps({
                "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": {"digest": "sha256:" + "0" * 64, "size": 1},
                "layers": [{"digest": "sha256:" + hashlib.sha256(tag.encode()).hexdigest(), "size": 1}]}))
        image = (f"{account.ACCOUNT}.dkr.ecr.{account.REGION}.amazonaws.com/stoa-base@"
                 f"{made['image']['imageId']['imageDigest']}")
        self.scheduler.programs[image] = program
        return image

    def program(self, name, text):
        """A program that stands for an image."""
        path = os.path.join(self.folder, name)
        pathlib.Path(path).write_text(text)
        os.chmod(path, 0o755)
        return path

    def docker(self):
        """What docker was told."""
        path = self.environment["STUB_DOCKER_LOG"]
        return pathlib.Path(path).read_text().splitlines() if os.path.exists(path) else []

    def parameter(self, name, stack="stoa"):
        return stacks.stack_named(stack).parameters[name]

    def close(self):
        self.scheduler.close()
        stacks.scheduler = None
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def has_health(binary):
    """Whether this stoa has `stoa health`, which the task definition asks."""
    import subprocess
    return subprocess.run([binary, "health", "--help"], capture_output=True).returncode == 0


def moto_reset():
    """An empty account."""
    account.resolved.clear()
    for name in ("cloudformation", "ecs", "efs", "ec2", "ecr", "elbv2", "iam", "logs", "cloudwatch", "cloudfront", "sns",
                 "applicationautoscaling"):
        moto.backends.get_backend(name).reset()
