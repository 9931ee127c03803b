"""ECS and its load balancer, with processes: what a template says of a service is carried out by real `stoa serve`s behind a
real HAProxy. Health checks, counts, the deregistration delay, SIGTERM, the stop time-out and the circuit breaker are those of
the template; `hurry` divides the waits that only cost time (health intervals, the deregistration delay).

An image is a line in `programs`: the digest, and the binary that stands for what is in it.
"""

import collections
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.request

import account
import stacks
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs.models import EC2ContainerServiceBackend, ecs_backends

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Cluster"))
from cluster import free_port  # noqa: E402

SLOTS = 24
# What the system of a container gives a process to get up; ECS has its own limits.
START_SECONDS_MAX = 90
# ECS's circuit breaker: half the desired count, and at least 3.
FAILURES_MAX = 3

HAPROXY = """
global
    stats socket {socket} mode 600 level admin
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client {idle}s
    timeout server {idle}s
    timeout check 5s
frontend public
    bind 127.0.0.1:{port}
    http-request return status 404 if {{ path /metrics /livez /readyz }}
    default_backend tasks
backend tasks
    # Least outstanding requests, no stickiness, and, as a load balancer of AWS, no second try of a request.
    balance leastconn
    retries 0
    option httpchk GET {path}
    http-check expect status 200
    default-server check inter {interval}ms fall {fall} rise {rise}
    server-template t 1-{slots} 127.0.0.1:1 disabled
"""


class LoadBalancer:
    def __init__(self, folder, port, group, attributes, hurry):
        self.port, self.socket = port, os.path.join(folder, "haproxy.sock")
        self.interval_seconds = group["HealthCheckIntervalSeconds"] / hurry
        self.healthy, self.path = group["HealthyThresholdCount"], group["HealthCheckPath"]
        named = {item["Key"]: item["Value"] for item in group["TargetGroupAttributes"]}
        assert named["load_balancing.algorithm.type"] == "least_outstanding_requests" and named["stickiness.enabled"] == "false"
        self.delay_seconds = int(named["deregistration_delay.timeout_seconds"]) / hurry
        idle = next(item["Value"] for item in attributes if item["Key"] == "idle_timeout.timeout_seconds")
        configuration = os.path.join(folder, "haproxy.cfg")
        pathlib.Path(configuration).write_text(HAPROXY.format(
            socket=self.socket, idle=idle, port=self.port, path=self.path, interval=int(self.interval_seconds * 1000),
            fall=group["UnhealthyThresholdCount"], rise=self.healthy, slots=SLOTS))
        self.process = subprocess.Popen(["haproxy", "-db", "-q", "-f", configuration], stdin=subprocess.DEVNULL,
                                        stderr=open(os.path.join(folder, "haproxy.log"), "w"))
        self.free = list(range(1, SLOTS + 1))
        self.lock = threading.Lock()

    def tell(self, command):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.socket)
            line.sendall(command.encode() + b"\n")
            return line.makefile().read()

    def register(self, task):
        with self.lock:
            task.slot = self.free.pop(0)
        self.tell(f"set server tasks/t{task.slot} addr 127.0.0.1 port {task.port}")
        self.tell(f"set server tasks/t{task.slot} state ready")
        self.tell(f"enable health tasks/t{task.slot}")

    def deregister(self, task):
        """No new requests; those under way, streams too, go on for the delay."""
        self.tell(f"set server tasks/t{task.slot} state drain")
        time.sleep(self.delay_seconds)

    def forget(self, task):
        self.tell(f"set server tasks/t{task.slot} state maint")
        with self.lock:
            self.free.append(task.slot)

    def close(self):
        self.process.kill()
        self.process.wait()


class Task:
    """One container."""

    def __init__(self, scheduler, definition, number):
        self.definition, self.number, self.port, self.slot = definition, number, free_port(), None
        self.container = definition["containerDefinitions"][0]
        self.log = os.path.join(scheduler.folder, f"task{number}.log")
        self.program = scheduler.programs[self.container["image"]]
        self.environment = scheduler.environment(self.container) | {"STOA_PORT": str(self.port), "STOA_HOST": "127.0.0.1"}
        self.process = subprocess.Popen(
            [self.program, *self.container["command"]], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.log, "w"), start_new_session=True)
        self.ended_by, self.stop_seconds = None, None

    @property
    def name(self):
        return f"task{self.number}"

    def answers(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def is_healthy(self):
        """The container's own health check, as the task definition says it."""
        check = self.container["healthCheck"]["command"]
        assert check[0] == "CMD" and check[1] == "/usr/local/bin/stoa", check
        return subprocess.run([self.program, *check[2:]], env=self.environment, timeout=self.container["healthCheck"]["timeout"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def stop(self):
        """SIGTERM, the stop time-out, SIGKILL."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(self.container["stopTimeout"])
            self.ended_by = "itself"
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.ended_by = "SIGKILL"
        self.stop_seconds = time.monotonic() - begun


class Scheduler:
    """Carries out deployments of the one service; `programs` is by image."""

    def __init__(self, folder, program, hurry=1, has_health=True):
        self.folder, self.hurry, self.has_health = folder, hurry, has_health
        # What stands for an image; `program` for all that are not named.
        self.programs = collections.defaultdict(lambda: program)
        self.balancer, self.secret, self.port = None, "test", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tasks, self.ended, self.events = [], [], []
        # Every task there ever was, so that none is left behind.
        self.made = []
        self.thread, self.stack, self.problem = None, None, None
        self.serving = None

    # ------------------------------------------------------------------------------------------ called by the account

    def follow(self, stack, kind, before):
        """A stack was changed: if its service names another definition than the one that serves, deploys that."""
        service = account.resolved.get(stack.name, {}).get("Service")
        if not service or service["TaskDefinition"] == self.serving:
            return
        self.stack, self.problem = stack.name, None
        self.thread = threading.Thread(target=self.attempt, args=(stack, before, service), daemon=True)
        self.thread.start()

    def is_under_way(self, stack):
        return self.stack == stack and self.thread is not None and self.thread.is_alive()

    def environment(self, container):
        """Of the definition; the volume and the secret are where they are here."""
        values = {item["name"]: item["value"] for item in container["environment"]}
        for secret in container.get("secrets", []):
            values[secret["name"]] = self.secret
        return {"PATH": os.environ["PATH"], **values, "STOA_VOLUME": os.path.join(self.folder, "volume")}

    # ------------------------------------------------------------------------------------------------- deployments

    def attempt(self, stack, before, service):
        """A mistake in here must not look like a deployment that takes its time."""
        try:
            self.deploy(stack, before, service)
        except Exception as problem:
            traceback.print_exc()
            stacks.go_back(stack, before, f"the pretend ECS failed: {problem!r}")

    def deploy(self, stack, before, service):
        resources = account.resolved[stack.name]
        if self.balancer is None:
            self.balancer = LoadBalancer(self.folder, self.port, resources["TargetGroup"],
                                         resources["LoadBalancer"]["LoadBalancerAttributes"], self.hurry)
        rules = service["DeploymentConfiguration"]
        desired = max(len(self.tasks), int(resources["ScalableTarget"]["MinCapacity"]))
        wanted = service["TaskDefinition"]
        try:
            self.roll(wanted, desired, rules)
            self.serving = wanted
            self.show(wanted, "COMPLETED", len(self.tasks))
        except AssertionError as problem:
            self.problem = str(problem)
            self.say(f"(service) deployment failed: {problem}; rolled back.")
            assert rules["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
            self.show(wanted, "FAILED", len(self.tasks))
            stacks.go_back(stack, before, f"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'. {problem}")
            self.serving = account.resolved[stack.name]["Service"]["TaskDefinition"]
            self.show(self.serving, "COMPLETED", len(self.tasks))

    def roll(self, definition_arn, desired, rules):
        """New tasks first, up to the largest number; an old one goes for each new one that is ready."""
        definition = account.client("ecs").describe_task_definition(taskDefinition=definition_arn)["taskDefinition"]
        least, most = desired * rules["MinimumHealthyPercent"] // 100, desired * rules["MaximumPercent"] // 100
        old, new, failures, stopping = list(self.tasks), [], 0, []
        self.show(definition_arn, "IN_PROGRESS", len(new))
        while len(new) < desired:
            room = max(1, most - len(self.tasks))
            started = [self.start(definition) for _ in range(min(room, desired - len(new)))]
            for task in started:
                why = self.await_ready(task)
                if why:
                    failures += 1
                    self.say(f"(service) {task.name} failed: {why}")
                    task.process.kill()
                    task.process.wait()
                    self.ended.append(task)
                    if failures >= FAILURES_MAX:
                        for other in new + [one for one in started if one.process.poll() is None]:
                            self.retire(other)
                        raise AssertionError(f"tasks failed to start: {why}")
                    continue
                self.balancer.register(task)
                self.tasks.append(task)
                new.append(task)
                self.show(definition_arn, "IN_PROGRESS", len(new))
                assert len(self.tasks) <= most
                if old and len(self.tasks) > least:
                    stopping.append(threading.Thread(target=self.retire, args=(old.pop(0),)))
                    stopping[-1].start()
        for task in old:
            stopping.append(threading.Thread(target=self.retire, args=(task,)))
            stopping[-1].start()
        for one in stopping:
            one.join()
        assert len(self.tasks) >= least

    def start(self, definition):
        self.made.append(Task(self, definition, len(self.made) + 1))
        return self.made[-1]

    def await_ready(self, task):
        """Both checks, as often as they want; otherwise why not."""
        end, good = time.monotonic() + START_SECONDS_MAX, 0
        while good < self.balancer.healthy:
            if task.process.poll() is not None:
                return f"the essential container exited with status {task.process.returncode}"
            if time.monotonic() > end:
                return f"not healthy: {self.balancer.path} or the container's own check"
            good = good + 1 if task.answers(self.balancer.path) and (not self.has_health or task.is_healthy()) else 0
            time.sleep(self.balancer.interval_seconds if good else 0.2)
        return None

    def retire(self, task):
        """Deregistered, the delay, then stopped."""
        if task in self.tasks:
            self.tasks.remove(task)
        if task.slot:
            self.balancer.deregister(task)
        task.stop()
        if task.slot:
            self.balancer.forget(task)
        self.ended.append(task)

    # ---------------------------------------------------------------------------------------------- what ECS tells

    def service(self):
        return next(iter(ecs_backends[account.ACCOUNT][account.REGION].services.values()))

    def show(self, definition, state, running):
        service = self.service()
        service.running_count, service.desired_count, service.pending_count = len(self.tasks), max(2, len(self.tasks)), 0
        first = {**service.deployments[0], "status": "PRIMARY", "taskDefinition": definition, "rolloutState": state,
                 "runningCount": running, "desiredCount": service.desired_count}
        rest = [] if state != "IN_PROGRESS" or not self.serving else [
            {**first, "status": "ACTIVE", "taskDefinition": self.serving, "rolloutState": "COMPLETED"}]
        service.deployments = [first, *rest]
        service.events = self.events[:5]

    def say(self, text):
        self.events.insert(0, {"id": str(len(self.events)), "createdAt": time.time(), "message": text})

    def close(self):
        if self.thread:
            self.thread.join(300)
        alive = [task for task in self.made if task.process.poll() is None]
        for task in alive:
            task.process.terminate()
        for task in alive:
            try:
                task.process.wait(20)
            except subprocess.TimeoutExpired:
                task.process.kill()
                task.process.wait()
        self.tasks = []
        if self.balancer:
            self.balancer.close()


_run_task = EC2ContainerServiceBackend.run_task


def run_task(backend, *arguments, **named):
    """A one-off task, carried out: its command, its status, its log."""
    made = _run_task(backend, *arguments, **named)
    scheduler = stacks.scheduler
    for task in made if scheduler else []:
        definition = account.client("ecs").describe_task_definition(taskDefinition=task.task_definition_arn)["taskDefinition"]
        container = definition["containerDefinitions"][0]
        done = subprocess.run([scheduler.programs[container["image"]], *container["command"]],
                              env=scheduler.environment(container), capture_output=True, text=True, timeout=300)
        task.containers[0].exit_code = task.containers[0].exitCode = done.returncode
        task.stopped_reason = "Essential container in task exited"
        options = container["logConfiguration"]["options"]
        logs, stream = account.client("logs"), f"{options['awslogs-stream-prefix']}/{container['name']}/{task.task_arn.split('/')[-1]}"
        logs.create_log_stream(logGroupName=options["awslogs-group"], logStreamName=stream)
        lines = (done.stdout + done.stderr).splitlines() or ["(nothing)"]
        logs.put_log_events(logGroupName=options["awslogs-group"], logStreamName=stream, logEvents=[
            {"timestamp": int(time.time() * 1000), "message": line[:1000]} for line in lines])
    return made


EC2ContainerServiceBackend.run_task = run_task
# moto gives it to interfaces of networks with names only, and makes none of these from a template.
NetworkInterface.private_dns_name = ""
# On Fargate a container need not say what it needs; the task does.
EC2ContainerServiceBackend._calculate_task_resource_requirements = staticmethod(
    lambda definition: {"CPU": 0, "MEMORY": 0, "PORTS": [], "PORTS_UDP": []})
