"""The templates: linted, made in a pretend account, read back through the services' own APIs, changed, deleted."""

import ast
import json
import os
import re
import subprocess

import account
import stacks
from suite import HOME, report, test

TEMPLATES = [HOME / "deploy/template.yml", HOME / "deploy/base.yml"]
# CloudFormation takes no longer text than this directly; the script leaves comments out.
TEMPLATE_BYTES_MAX = 51_200
SERVER_IDLE_SECONDS = 75


def compact(path):
    return "\n".join(line for line in path.read_text().splitlines() if not re.match(r"^ *#", line))


@test("cfn-lint has nothing to say, and the templates are short enough to be sent")
def lint(options):
    out = subprocess.run(["cfn-lint", "--include-checks", "I", "--", *map(str, TEMPLATES)], capture_output=True, text=True)
    found = [line for line in out.stdout.splitlines() if re.match(r"^[EWI]\d{4}", line)]
    # Informational: a number of any parameter is one it cannot check.
    assert not [line for line in found if line[0] in "EW"], out.stdout
    for path in TEMPLATES:
        size = len(compact(path).encode())
        assert size <= TEMPLATE_BYTES_MAX, f"{path.name}: {size} bytes"
        report(f"{path.name}: {size} bytes without comments, of {TEMPLATE_BYTES_MAX}")


@test("checkov finds nothing that is not explained in the template")
def checkov(options):
    command = [os.environ["STOA_CHECKOV"], "--framework", "cloudformation", "--skip-download", "--output", "json", "--compact"]
    for path in TEMPLATES:
        command += ["--file", str(path)]
    out = subprocess.run(command, capture_output=True, text=True)
    found = json.loads(out.stdout)
    assert not found["results"]["failed_checks"], [check["check_id"] for check in found["results"]["failed_checks"]]
    skipped = found["results"]["skipped_checks"]
    assert all(len(check["check_result"]["suppress_comment"]) > 10 for check in skipped)
    # An explanation of what is not found is out of date.
    written = sum(len(re.findall(r"- id: CKV", path.read_text())) for path in TEMPLATES)
    assert written == len(skipped), f"{written} explanations, {len(skipped)} needed"
    report(f"{found['summary']['passed']} checks passed, {len(skipped)} explained")


@test("the account is given what the templates say: security groups, roles, volume, tasks, scaling, retention")
def created(options):
    aws = Deployment("stoa-t", BedrockModels="eu.amazon.nova-micro-v1:0", AlarmEmail="ops@example.com",
                     BedrockModelArns="arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-micro-v1:0,"
                     "arn:aws:bedrock:*::foundation-model/amazon.nova-micro-v1:0",
                     ModelSecretArn=f"arn:aws:secretsmanager:eu-central-1:{account.ACCOUNT}:secret:key-AbCdEf",
                     OpenAIBaseUrl="https://models.example.com/v1")
    check_groups(aws, cloudfront=True)
    check_roles(aws)
    check_volume(aws)
    check_balancer(aws)
    check_tasks(aws)
    check_scaling(aws)
    check_watching(aws)
    check_edge(aws)
    before = aws.outputs
    aws.change(ImageUri=aws.image("b"), TasksMin="3", LogRetentionDays="90")
    check_update(aws, before)
    volume = aws.outputs["FileSystemId"]
    aws.delete()
    left = account.client("efs").describe_file_systems(FileSystemId=volume)["FileSystems"]
    assert [one["LifeCycleState"] for one in left] == ["available"], left
    assert not account.client("elbv2").describe_load_balancers()["LoadBalancers"]
    roles = [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]
    assert not [name for name in roles if "stoa-t" in name], roles
    report(f"{len(account.resolved['stoa-t'])} resources made, changed and deleted; the volume {volume} was kept")
    certificate = account.client("acm").request_certificate(DomainName="chat.example.com")["CertificateArn"]
    again = Deployment("stoa-t", FileSystemId=volume, Edge="none", CertificateArn=certificate, DomainName="chat.example.com",
                       ExecuteCommand="yes")
    check_open(again)
    assert again.outputs["FileSystemId"] == volume and len(account.client("efs").describe_file_systems()["FileSystems"]) == 1
    point = account.client("efs").describe_access_points(FileSystemId=volume)["AccessPoints"]
    assert len(point) == 1 and point[0]["RootDirectory"]["Path"] == "/stoa"
    again.delete()
    report("a second stack of this name served the volume that was kept")


class Deployment:
    """Both stacks, made through the API."""

    account = None

    def __init__(self, name, **settings):
        Deployment.account = Deployment.account or account.Account()
        stacks.scheduler = None
        self.name, self.cloudformation = name, account.client("cloudformation")
        self.cloudformation.create_stack(StackName=f"{name}-base", TemplateBody=compact(TEMPLATES[1]),
                                         Capabilities=["CAPABILITY_IAM"])
        base = self.outputs_of(f"{name}-base")
        public, private = (base[kind].split(",") for kind in ("PublicSubnetIds", "PrivateSubnetIds"))
        lists = account.client("ec2").describe_managed_prefix_lists()["PrefixLists"]
        self.prefix_list = next(one["PrefixListId"] for one in lists if "cloudfront" in one["PrefixListName"])
        self.base = base
        self.settings = {
            "ImageUri": self.image("a"), "RepositoryName": base["RepositoryName"], "VpcId": base["VpcId"],
            "PublicSubnetA": public[0], "PublicSubnetB": public[1], "PrivateSubnetA": private[0], "PrivateSubnetB": private[1],
            "CloudFrontPrefixListId": self.prefix_list, **settings}
        self.cloudformation.create_stack(**self.arguments())

    def image(self, letter):
        return f"{self.base['RepositoryUri']}@sha256:{letter * 64}"

    def arguments(self):
        # All of them: moto takes a default that is named later for a change.
        values = stacks.complete(compact(TEMPLATES[0]), self.settings)
        return {"StackName": self.name, "TemplateBody": compact(TEMPLATES[0]), "Capabilities": ["CAPABILITY_NAMED_IAM"],
                "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]}

    def outputs_of(self, stack):
        found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), found["StackStatus"]
        return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}

    @property
    def outputs(self):
        return self.outputs_of(self.name)

    @property
    def resources(self):
        return account.resolved[self.name]

    def change(self, **settings):
        self.settings |= settings
        self.cloudformation.update_stack(**self.arguments())

    def delete(self):
        self.cloudformation.delete_stack(StackName=self.name)
        self.cloudformation.delete_stack(StackName=f"{self.name}-base")


def physical(aws, logical):
    return stacks.stack_named(aws.name).resource_map[logical].physical_resource_id


def rules(group):
    """(in, out) as sets of (from, to, where)."""
    found = account.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]

    def flat(permissions):
        out = set()
        for one in permissions:
            ports = (one.get("FromPort"), one.get("ToPort"))
            out |= {(*ports, pair["GroupId"]) for pair in one["UserIdGroupPairs"]}
            out |= {(*ports, item["CidrIp"]) for item in one["IpRanges"]} | {(*ports, item["PrefixListId"]) for item in one["PrefixListIds"]}
        return out
    return flat(found["IpPermissions"]), flat(found["IpPermissionsEgress"])


def check_groups(aws, cloudfront):
    balancer, tasks, volume = (physical(aws, name) for name in ("LoadBalancerGroup", "TaskGroup", "VolumeGroup"))
    come, go = rules(balancer)
    # The seed of this template had these two the wrong way round.
    wanted = {(80, 80, aws.prefix_list)} if cloudfront else {(443, 443, "0.0.0.0/0"), (80, 80, "0.0.0.0/0")}
    assert come == wanted, come
    assert go == {(8080, 8080, tasks)}, go
    come, go = rules(tasks)
    assert come == {(8080, 8080, balancer)}, come
    assert go == {(2049, 2049, volume), (443, 443, "0.0.0.0/0")}, go
    come, go = rules(volume)
    assert come == {(2049, 2049, tasks)}, come
    assert {where for *_, where in go} == {"127.0.0.1/32"}, go


def policies(role):
    iam = account.client("iam")
    found = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
             for name in iam.list_role_policies(RoleName=role)["PolicyNames"]}
    # moto keeps what CloudFormation made as the text of a Python value.
    return {name: (ast.literal_eval(one) if isinstance(one, str) else one)["Statement"] for name, one in found.items()}


def actions(statements):
    return {action for one in statements for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])}


def check_roles(aws):
    task = policies(f"{aws.name}-task-eu-central-1")
    assert set(task) == {"volume", "models"}, set(task)
    point = account.client("efs").describe_access_points()["AccessPoints"][0]["AccessPointArn"]
    [volume] = task["volume"]
    assert set(volume["Action"]) == {"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}
    assert volume["Resource"].endswith(f":file-system/{aws.outputs['FileSystemId']}")
    assert volume["Condition"] == {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}
    [models] = task["models"]
    assert set(models["Action"]) == {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}
    assert models["Resource"] == aws.settings["BedrockModelArns"].split(",")
    execution = policies(physical(aws, "ExecutionRole"))
    assert not any("elasticfilesystem" in action for action in actions(sum(execution.values(), []))), "mounting is the task's role"
    wide = [one for one in sum([*execution.values(), *task.values()], []) if one["Resource"] == "*"]
    assert actions(wide) == {"ecr:GetAuthorizationToken"}, wide
    assert execution["secret"][0]["Resource"] == aws.settings["ModelSecretArn"]
    iam = account.client("iam")
    for role in (f"{aws.name}-task-eu-central-1", physical(aws, "ExecutionRole")):
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert [one["Principal"] for one in trust] == [{"Service": "ecs-tasks.amazonaws.com"}]
        assert trust[0]["Condition"]["StringEquals"] == {"aws:SourceAccount": account.ACCOUNT}


def check_volume(aws):
    efs, identity = account.client("efs"), aws.outputs["FileSystemId"]
    system = efs.describe_file_systems(FileSystemId=identity)["FileSystems"][0]
    assert system["Encrypted"] and system["ThroughputMode"] == "elastic" and system["PerformanceMode"] == "generalPurpose"
    assert efs.describe_backup_policy(FileSystemId=identity)["BackupPolicy"]["Status"] == "ENABLED"
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=identity)["Policy"])
    role = f"arn:aws:iam::{account.ACCOUNT}:role/{aws.name}-task-eu-central-1"
    [allowed] = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    assert allowed["Condition"]["ArnEquals"] == {"aws:PrincipalArn": role}
    assert set(allowed["Action"]) == {"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}
    denied = {one["Sid"]: one["Condition"] for one in policy["Statement"] if one["Effect"] == "Deny"}
    assert denied == {
        "NobodyElse": {"ArnNotEquals": {"aws:PrincipalArn": role}},
        "OnlyEncrypted": {"Bool": {"aws:SecureTransport": "false"}},
        "OnlyThroughAnAccessPoint": {"Null": {"elasticfilesystem:AccessPointArn": "true"}}}, denied
    [point] = efs.describe_access_points(FileSystemId=identity)["AccessPoints"]
    assert {name: int(point["PosixUser"][name]) for name in ("Uid", "Gid")} == {"Uid": 10001, "Gid": 10001}
    assert point["RootDirectory"]["CreationInfo"] == {"OwnerUid": "10001", "OwnerGid": "10001", "Permissions": "0700"} or \
        int(point["RootDirectory"]["CreationInfo"]["OwnerUid"]) == 10001
    mounts = efs.describe_mount_targets(FileSystemId=identity)["MountTargets"]
    assert {one["SubnetId"] for one in mounts} == {aws.settings["PrivateSubnetA"], aws.settings["PrivateSubnetB"]}
    assert len({one["AvailabilityZoneName"] for one in mounts}) == 2


def check_balancer(aws):
    elb = account.client("elbv2")
    attributes = {one["Key"]: one["Value"] for one in elb.describe_load_balancer_attributes(
        LoadBalancerArn=aws.outputs["LoadBalancerArn"])["Attributes"]}
    assert attributes["deletion_protection.enabled"] == "true"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    # Below the server's own time-out, and several heartbeats long.
    assert 30 <= int(attributes["idle_timeout.timeout_seconds"]) < SERVER_IDLE_SECONDS
    balancer = elb.describe_load_balancers(LoadBalancerArns=[aws.outputs["LoadBalancerArn"]])["LoadBalancers"][0]
    assert balancer["Scheme"] == "internal" and {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {
        aws.settings["PrivateSubnetA"], aws.settings["PrivateSubnetB"]}
    group = elb.describe_target_groups(TargetGroupArns=[aws.outputs["TargetGroupArn"]])["TargetGroups"][0]
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["UnhealthyThresholdCount"]) == ("/readyz", 10, 6)
    named = {one["Key"]: one["Value"] for one in elb.describe_target_group_attributes(
        TargetGroupArn=aws.outputs["TargetGroupArn"])["Attributes"]}
    assert named["stickiness.enabled"] == "false" and named["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert named["deregistration_delay.timeout_seconds"] == "15"
    [listener] = elb.describe_listeners(LoadBalancerArn=aws.outputs["LoadBalancerArn"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    inside = [rule for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"] if not rule["IsDefault"]]
    assert [rule["Actions"][0]["FixedResponseConfig"]["StatusCode"] for rule in inside] == ["404"]
    # moto's API does not answer a rule's PathPatternConfig; the template's resolved form has it.
    assert aws.resources["InsideOnly"]["Conditions"][0]["PathPatternConfig"]["Values"] == ["/metrics", "/livez", "/readyz"]


def check_tasks(aws):
    ecs = account.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition=aws.outputs["TaskDefinitionArn"])["taskDefinition"]
    assert (definition["cpu"], definition["memory"], definition["networkMode"]) == ("256", "512", "awsvpc")
    assert definition["taskRoleArn"].endswith(f":role/{aws.name}-task-eu-central-1")
    assert definition["executionRoleArn"] != definition["taskRoleArn"]
    assert definition["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    [volume] = definition["volumes"]
    efs = volume["efsVolumeConfiguration"]
    assert efs["transitEncryption"] == "ENABLED" and efs["authorizationConfig"] == {
        "accessPointId": aws.outputs["AccessPointId"], "iam": "ENABLED"} and efs.get("rootDirectory", "/") == "/"
    [container] = definition["containerDefinitions"]
    assert container["image"] == aws.settings["ImageUri"] and container["user"] == "10001:10001"
    assert container["readonlyRootFilesystem"] and container["linuxParameters"] == {
        "initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}}
    values = {one["name"]: one["value"] for one in container["environment"]}
    # The task ends by itself, 10 s after its drain at the latest, before ECS ends it.
    assert int(values["STOA_DRAIN"]) + 10 < container["stopTimeout"] <= 120
    assert not [name for name in values if "KEY" in name or "SECRET" in name or "TOKEN" in name]
    assert container["secrets"] == [{"name": "OPENAI_API_KEY", "valueFrom": aws.settings["ModelSecretArn"]}]
    assert container["healthCheck"]["command"] == ["CMD", "/usr/local/bin/stoa", "health"]
    assert container["logConfiguration"]["options"]["mode"] == "non-blocking"
    # moto keeps a service's task definition and count only; the arguments were taken by botocore's model of CreateService.
    service = aws.resources["Service"]
    rollout = service["DeploymentConfiguration"]
    assert (rollout["MinimumHealthyPercent"], rollout["MaximumPercent"]) == (100, 200)
    assert rollout["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert rollout["Alarms"]["Rollback"] and rollout["Alarms"]["AlarmNames"] == [physical(aws, "ServerErrorsAlarm")]
    assert "DesiredCount" not in service and service["AvailabilityZoneRebalancing"] == "ENABLED"
    assert service["EnableExecuteCommand"] is False and service["HealthCheckGracePeriodSeconds"] >= 30
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def check_scaling(aws):
    scaling = account.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)
    assert target["ResourceId"] == f"service/{aws.outputs['ClusterName']}/{aws.outputs['ServiceName']}"
    found = {one["PolicyName"]: one["TargetTrackingScalingPolicyConfiguration"]
             for one in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]}
    assert set(found) == {"cpu", "streams"} and all(one["ScaleInCooldown"] >= 300 for one in found.values())
    metrics = {one["Id"]: one for one in found["streams"]["CustomizedMetricSpecification"]["Metrics"]}
    assert metrics["streams"]["Expression"] == "connections / 2 / tasks" and found["streams"]["TargetValue"] == 200


def check_watching(aws):
    group = account.client("logs").describe_log_groups(logGroupNamePrefix=f"/stoa/{aws.name}")["logGroups"]
    assert [one["retentionInDays"] for one in group] == [30]
    # Target tracking makes alarms of its own besides.
    alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{aws.name}-")["MetricAlarms"]
    assert len(alarms) == 7 and all(one["AlarmActions"] == [physical(aws, "AlarmTopic")] for one in alarms), len(alarms)
    filters = account.client("logs").describe_metric_filters(logGroupName=f"/stoa/{aws.name}")["metricFilters"]
    assert len(filters) == 3
    body = json.loads(aws.resources["Dashboard"]["DashboardBody"])
    assert len(body["widgets"]) == 8 and "${" not in json.dumps(body)


def check_edge(aws):
    front = account.client("cloudfront").get_distribution(Id=aws.outputs["DistributionId"])["Distribution"]["DistributionConfig"]
    api = front["DefaultCacheBehavior"]
    assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" and api["Compress"] is False
    assert api["ViewerProtocolPolicy"] == "redirect-to-https"
    [assets] = front["CacheBehaviors"]["Items"]
    assert assets["PathPattern"] == "/assets/*" and assets["CachePolicyId"] != api["CachePolicyId"]
    assert aws.resources["AssetCache"]["CachePolicyConfig"]["DefaultTTL"] == 0
    assert aws.outputs["Url"] == f"https://{aws.outputs['EdgeName']}"
    # moto's CloudFront drops this; botocore's model took it.
    [origin] = aws.resources["Distribution"]["DistributionConfig"]["Origins"]
    assert origin["VpcOriginConfig"]["OriginReadTimeout"] == 60


def check_update(aws, before):
    after = aws.outputs
    assert after["TaskDefinitionArn"] != before["TaskDefinitionArn"] and after["FileSystemId"] == before["FileSystemId"]
    service = account.client("ecs").describe_services(cluster=after["ClusterName"], services=[after["ServiceName"]])["services"][0]
    assert service["taskDefinition"] == after["TaskDefinitionArn"]
    assert account.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs")["ScalableTargets"][0]["MinCapacity"] == 3
    group = account.client("logs").describe_log_groups(logGroupNamePrefix=f"/stoa/{aws.name}")["logGroups"]
    assert [one["retentionInDays"] for one in group] == [90]


def check_open(aws):
    """Facing the internet, with a shell."""
    check_groups(aws, cloudfront=False)
    assert aws.outputs["Url"] == "https://chat.example.com" and "DistributionId" not in aws.outputs
    elb = account.client("elbv2")
    balancer = elb.describe_load_balancers(LoadBalancerArns=[aws.outputs["LoadBalancerArn"]])["LoadBalancers"][0]
    assert balancer["Scheme"] == "internet-facing"
    listeners = {one["Port"]: one for one in elb.describe_listeners(LoadBalancerArn=aws.outputs["LoadBalancerArn"])["Listeners"]}
    assert set(listeners) == {80, 443} and listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13")
    assert listeners[80]["DefaultActions"][0]["Type"] == "redirect"
    task = policies(f"{aws.name}-task-eu-central-1")
    assert set(task) == {"volume", "shell"} and actions(task["shell"]) == {
        f"ssmmessages:{name}" for name in
        ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")}
    definition = account.client("ecs").describe_task_definition(
        taskDefinition=aws.outputs["TaskDefinitionArn"])["taskDefinition"]
    paths = {one["containerPath"] for one in definition["containerDefinitions"][0]["mountPoints"]}
    assert paths == {"/mnt/stoa", "/var/lib/amazon", "/var/log/amazon"}
