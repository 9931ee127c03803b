#!/usr/bin/env python3
"""Makes the image in a plain folder, since no container engine may be at hand.

usage: Tests/Deploy/image.py --program PATH --root FOLDER

Reads deploy/Dockerfile and carries out the stages behind the one that compiles, instruction by instruction, in a Debian made
by debootstrap and made slim as Debian's own image is: so what is measured and started is what the Dockerfile says. `COPY --from=build` takes the
program given, and those beside it. Needs root and Debian's debootstrap. Prints what it did, and the size.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

DOCKERFILE = pathlib.Path(__file__).resolve().parents[2] / "deploy/Dockerfile"
MIRROR = os.environ.get("STOA_DEBIAN_MIRROR", "http://deb.debian.org/debian")
# What Debian's slim image leaves out (debuerreotype's .slimify-excludes); copyrights stay.
SLIM = ["usr/share/doc", "usr/share/info", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/linda",
        "usr/share/groff", "var/cache/apt", "var/lib/apt/lists", "var/log", "var/cache/debconf"]


def instructions(text):
    """The instructions of the stages behind the one that compiles, as (word, rest)."""
    lines = re.sub(r"\\\n(\s*#[^\n]*\n)*", "", text)
    found = [tuple(line.split(None, 1)) for line in lines.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return found[[place for place, (word, _) in enumerate(found) if word == "FROM"][1]:]


def last_stage(text):
    found = instructions(text)
    return found[max(place for place, (word, _) in enumerate(found) if word == "FROM"):]


class Image:
    """A root file system, and how a container of it is started."""

    def __init__(self, root, program):
        # `top` has a folder for each stage; `root` is the one that is being made, in the end the image.
        self.top, self.root, self.program = pathlib.Path(root), None, program
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.arguments, self.labels, self.entrypoint, self.command = {}, {}, [], []
        self.user, self.folder, self.ports = "0:0", "/", []

    def build(self):
        for word, rest in instructions(DOCKERFILE.read_text()):
            print(f"{word} {rest[:100]}", flush=True)
            getattr(self, f"do_{word.lower()}")(rest)

    def do_from(self, rest):
        if rest == "scratch":
            self.root = self.top / "image"
            return self.root.mkdir(parents=True)
        suite, name = re.fullmatch(r"debian:([a-z]+)-slim AS (\w+)", rest).groups()
        self.root = self.top / name
        self.root.mkdir(parents=True)
        cache = pathlib.Path(os.environ.get("STOA_DEBOOTSTRAP_CACHE", "/var/cache/stoa-debootstrap"))
        cache.mkdir(parents=True, exist_ok=True)
        run(["debootstrap", "--variant=minbase", f"--cache-dir={cache}", suite, str(self.root), MIRROR])
        sources = self.root / "etc/apt/sources.list"
        sources.write_text(f"deb {MIRROR} {suite} main\ndeb {MIRROR} {suite}-updates main\n"
                           f"deb {MIRROR}-security {suite}-security main\n")
        # As the image does: what is installed later leaves these out too.
        rules = "".join(f"path-exclude /{path}/*\n" for path in SLIM if path.startswith("usr")) + \
            "path-include /usr/share/doc/*/copyright\n"
        (self.root / "etc/dpkg/dpkg.cfg.d/docker").write_text(rules)
        for path in SLIM:
            for one in (self.root / path).rglob("*"):
                if one.name != "copyright" and (one.is_file() or one.is_symlink()):
                    one.unlink()
        (self.root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")

    def do_arg(self, rest):
        name, _, value = rest.partition("=")
        self.arguments[name] = value

    def do_label(self, rest):
        self.labels |= dict(one.split("=", 1) for one in shlex.split(rest))

    def do_env(self, rest):
        self.environment |= dict(one.split("=", 1) for one in shlex.split(rest))

    def do_run(self, rest):
        # Names are asked for while this runs, as a builder lets them be.
        lent = [path for path in ("etc/resolv.conf", "etc/hosts") if not (self.root / path).exists()]
        for path in lent:
            shutil.copy(f"/{path}", self.root / path)
        try:
            run(["chroot", str(self.root), "/bin/sh", "-c", rest], env={**self.environment, "DEBIAN_FRONTEND": "noninteractive"})
        finally:
            for path in lent:
                (self.root / path).unlink()

    def do_copy(self, rest):
        stage, source, target = re.fullmatch(r"--from=(\w+) (\S+) (\S+)", rest).groups()
        if stage != "build":
            assert source.endswith("/") and target == "/", rest
            return run(["cp", "--archive", f"{self.top / stage}{source}.", str(self.root)])
        # What the first stage compiled lies beside each other.
        place = self.root / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        strip, name = re.search(rf"strip (\S+) -o {source} \.build/release/(\S+)", DOCKERFILE.read_text()).groups()
        run(["strip", strip, "-o", str(place), str(pathlib.Path(self.program).with_name(name))])
        place.chmod(0o755)

    def do_user(self, rest):
        assert re.fullmatch(r"\d+:\d+", rest), "numbers need no names in the image"
        self.user = rest

    def do_workdir(self, rest):
        self.folder = rest

    def do_expose(self, rest):
        self.ports.append(int(rest))

    def do_stopsignal(self, rest):
        assert rest == "SIGTERM"

    def do_entrypoint(self, rest):
        self.entrypoint = json.loads(rest)

    def do_cmd(self, rest):
        self.command = json.loads(rest)

    def megabytes(self):
        """What the files take, as an image counts them."""
        return sum(one.lstat().st_size for one in self.root.rglob("*") if one.is_file() and not one.is_symlink()) / 1e6

    def start(self, volume, environment, command=None, **options):
        """A process as a container's: this root, read-only; the volume, writable; a user without any capability."""
        words = [*self.entrypoint, *(command or self.command)]
        inside = self.environment["STOA_VOLUME"]
        # An engine makes the folders it mounts at. Nothing that is started has the capabilities that chroot itself needs.
        (self.root / "proc").mkdir(exist_ok=True)
        script = (
            'set -e; mount --make-rprivate /; mount --bind "$1" "$1"; mount --bind "$2" "$1$3"; mount -t proc proc "$1/proc"; '
            'mount -o remount,bind,ro "$1"; root=$1 user=$4; shift 4; '
            'exec setpriv --inh-caps=-all --no-new-privs chroot --userspec="$user" --groups="" "$root" "$@"')
        variables = {**self.environment, **environment}
        return subprocess.Popen(["unshare", "--mount", "bash", "-c", script, "start", str(self.root), volume, inside, self.user,
                                 *words], env=variables, stdin=subprocess.DEVNULL, start_new_session=True, **options)


def run(words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)[:200]}: status {done.returncode}\n{done.stdout[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description="The image's last stage in a folder.", epilog="See the top of this file.")
    parser.add_argument("--program", required=True, help="what the build stage makes (/stoa)")
    parser.add_argument("--root", required=True, help="a folder that is not there yet")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("needs root and debootstrap (apt-get install debootstrap)")
    image = Image(options.root, options.program)
    image.build()
    print(f"{image.megabytes():.1f} MB in {image.root}")


if __name__ == "__main__":
    main()
