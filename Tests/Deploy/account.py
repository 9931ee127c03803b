"""A pretend AWS account: moto's server in this process, taught what its CloudFormation lacks.

moto makes security groups, roles, load balancers, EFS and log groups from a template by itself. It knows no scaling, alarms,
metric filters and CloudFront there, and drops most of what a template says of ECS and the file system's policy. Here these
types are made by calls to the service's own API at the same server, with the properties that the template resolves to, so
that botocore checks every name and kind. What no moto service knows at all (VPC origins, CloudFront's policies) is checked
against botocore's model of the real API and remembered. `resolved` has the properties of every resource of every stack.
"""

import copy
import ipaddress
import json
import os

import boto3
import botocore.session
from botocore.validate import ParamValidator

REGION, ACCOUNT = "eu-central-1", "123456789012"
# moto takes any; the command-line client insists on some.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION,
               "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull,
               "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
os.environ.update(CREDENTIALS)

import moto.cloudformation.parsing as parsing  # noqa: E402  (it reads the environment)
from moto.core.common_models import CloudFormationModel  # noqa: E402
from moto.efs.models import AccessPoint  # noqa: E402
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup  # noqa: E402
from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: E402

resolved = {}
_endpoint = None


def client(service):
    return boto3.client(service, endpoint_url=_endpoint, region_name=REGION)


def lower_names(value):
    """CloudFormation's names as ECS's API writes them; names that are data stay."""
    if isinstance(value, list):
        return [lower_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    special = {"EFSVolumeConfiguration": "efsVolumeConfiguration", "FilesystemId": "fileSystemId", "IAM": "iam",
               "EnableECSManagedTags": "enableECSManagedTags"}
    return {special.get(name, name[:1].lower() + name[1:]): content if name == "Options" else lower_names(content)
            for name, content in value.items()}


def typed(value, shape):
    """A template's texts as the numbers and truths that the API wants; CloudFormation turns them too."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {name: typed(item, shape.members[name]) if name in shape.members else item for name, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [typed(item, shape.member) for item in value]
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("double", "float") and not isinstance(value, bool):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value == "true"
    if kind == "string" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def checked(service, operation, arguments):
    """The arguments, if botocore's model of the operation takes them."""
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    arguments = typed(arguments, shape)
    report = ParamValidator().validate(arguments, shape)
    if report.has_errors():
        raise AssertionError(f"{service} {operation}: {report.generate_report()}")
    return arguments


def call(service, operation, arguments):
    method = "".join(("_" + letter.lower()) if letter.isupper() else letter for letter in operation).lstrip("_")
    return getattr(client(service), method)(**checked(service, operation, arguments))


def teach(kind, create, update=None, delete=None):
    """A resource type made by `create(name, properties)`, which answers (what Ref is, {attribute: value})."""
    class Taught(CloudFormationModel):
        # moto files its models under the second part of this name.
        __module__ = "moto.taught"

        def __init__(self, reference, attributes, properties):
            self.physical_resource_id, self.attributes, self.properties = reference, attributes, properties

        cloudformation_name_type = staticmethod(lambda: "")
        cloudformation_type = staticmethod(lambda: kind)
        has_cfn_attr = classmethod(lambda cls, attribute: True)

        def get_cfn_attribute(self, attribute):
            return self.attributes[attribute]

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            properties = copy.deepcopy(cloudformation_json["Properties"])
            return cls(*create(resource_name, properties), properties)

        @classmethod
        def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, **_):
            properties = copy.deepcopy(cloudformation_json["Properties"])
            if update is None:
                return cls(*create(new_resource_name, properties), properties)
            return cls(*update(original_resource, properties), properties)

        def delete(self, account_id, region_name):
            if delete:
                delete(self)

    return Taught


# ------------------------------------------------------------------------------------------------------------ types

def make_task_definition(name, properties):
    made = call("ecs", "RegisterTaskDefinition", lower_names(properties))["taskDefinition"]
    return made["taskDefinitionArn"], {"TaskDefinitionArn": made["taskDefinitionArn"]}


def make_service(name, properties):
    # One task, if nobody says how many: then scaling takes over.
    made = call("ecs", "CreateService", {"serviceName": name, "desiredCount": 1, **lower_names(properties)})["service"]
    return made["serviceArn"], {"Name": made["serviceName"]}


def change_service(service, properties):
    arguments = {name: value for name, value in lower_names(properties).items()
                 if name in ("cluster", "taskDefinition", "deploymentConfiguration", "healthCheckGracePeriodSeconds")}
    call("ecs", "UpdateService", {"service": service.attributes["Name"], **arguments})
    return service.physical_resource_id, service.attributes


def end_service(service):
    client("ecs").delete_service(cluster=service.properties["Cluster"], service=service.attributes["Name"], force=True)


TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def make_scalable_target(name, properties):
    call("application-autoscaling", "RegisterScalableTarget", properties)
    return "|".join([properties["ResourceId"], properties["ScalableDimension"], properties["ServiceNamespace"]]), {}


def end_scalable_target(target):
    client("application-autoscaling").deregister_scalable_target(**{name: target.properties[name] for name in TARGET})


def make_scaling_policy(name, properties):
    place, dimension, namespace = properties.pop("ScalingTargetId").split("|")
    properties |= {"ResourceId": place, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    made = call("application-autoscaling", "PutScalingPolicy", properties)
    return made["PolicyARN"], {}


def make_alarm(name, properties):
    call("cloudwatch", "PutMetricAlarm", {"AlarmName": name, **properties})
    return name, {}


def make_metric_filter(name, properties):
    call("logs", "PutMetricFilter", {"filterName": name, **lower_names(properties)})
    return name, {}


def counted(value):
    """CloudFront's API counts the items of its lists."""
    if isinstance(value, list):
        return {"Quantity": len(value), "Items": [counted(item) for item in value]}
    return {name: counted(item) for name, item in value.items()} if isinstance(value, dict) else value


def distribution_arguments(properties, reference):
    config = counted(properties["DistributionConfig"])
    names = {"IPV6Enabled": "IsIPV6Enabled", "AcmCertificateArn": "ACMCertificateArn", "SslSupportMethod": "SSLSupportMethod"}

    def renamed(value):
        if isinstance(value, dict):
            return {names.get(name, name): renamed(item) for name, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value
    return {"DistributionConfig": {"CallerReference": reference, **renamed(config)}}


def make_distribution(name, properties):
    made = call("cloudfront", "CreateDistribution", distribution_arguments(properties, name))["Distribution"]
    return made["Id"], {"DomainName": made["DomainName"], "Id": made["Id"]}


def end_distribution(distribution):
    front, identity = client("cloudfront"), distribution.physical_resource_id
    front.delete_distribution(Id=identity, IfMatch=front.get_distribution(Id=identity)["ETag"])


def make_vpc_origin(name, properties):
    config = counted(properties["VpcOriginEndpointConfig"])
    config["OriginSslProtocols"] = config.pop("OriginSSLProtocols")
    checked("cloudfront", "CreateVpcOrigin", {"VpcOriginEndpointConfig": config})
    return "vo_" + name[-12:], {"Id": "vo_" + name[-12:]}


def make_cache_policy(name, properties):
    checked("cloudfront", "CreateCachePolicy", {"CachePolicyConfig": counted(properties["CachePolicyConfig"])})
    return "cache-" + name[-12:], {}


def make_headers_policy(name, properties):
    config = counted(properties["ResponseHeadersPolicyConfig"])
    checked("cloudfront", "CreateResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": config})
    return "headers-" + name[-12:], {}


def make_file_system(name, properties):
    efs = client("efs")
    made = efs.create_file_system(CreationToken=name, PerformanceMode=properties["PerformanceMode"],
                                  Encrypted=properties["Encrypted"], ThroughputMode=properties["ThroughputMode"],
                                  Backup=properties["BackupPolicy"]["Status"] == "ENABLED", Tags=properties["FileSystemTags"])
    identity = made["FileSystemId"]
    efs.put_file_system_policy(FileSystemId=identity, Policy=json.dumps(properties["FileSystemPolicy"]))
    return identity, {"Arn": made["FileSystemArn"]}


TYPES = [
    teach("AWS::ECS::TaskDefinition", make_task_definition),
    teach("AWS::ECS::Service", make_service, change_service, end_service),
    teach("AWS::ApplicationAutoScaling::ScalableTarget", make_scalable_target, None, end_scalable_target),
    teach("AWS::ApplicationAutoScaling::ScalingPolicy", make_scaling_policy),
    teach("AWS::CloudWatch::Alarm", make_alarm, lambda old, new: make_alarm(old.physical_resource_id, new),
          lambda alarm: client("cloudwatch").delete_alarms(AlarmNames=[alarm.physical_resource_id])),
    teach("AWS::Logs::MetricFilter", make_metric_filter),
    teach("AWS::CloudFront::Distribution", make_distribution, lambda old, new: (old.physical_resource_id, old.attributes),
          end_distribution),
    teach("AWS::CloudFront::VpcOrigin", make_vpc_origin),
    teach("AWS::CloudFront::CachePolicy", make_cache_policy),
    teach("AWS::CloudFront::ResponseHeadersPolicy", make_headers_policy),
    teach("AWS::EFS::FileSystem", make_file_system, lambda old, new: (old.physical_resource_id, old.attributes)),
]

# ------------------------------------------------------------------------------------------------- repairs of moto


def with_cidr(clean):
    """Fn::Cidr, which moto does not know; and nothing in a list where the template has AWS::NoValue."""
    def cleaned(value, resources):
        if isinstance(value, list):
            return [item for item in (cleaned(item, resources) for item in value) if item is not None]
        if isinstance(value, dict) and "Fn::Cidr" in value:
            block, count, bits = (clean(item, resources) for item in value["Fn::Cidr"])
            parts = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
            return [str(next(parts)) for _ in range(int(count))]
        return clean(value, resources)
    return cleaned


def with_record(parse):
    """Remembers what each resource's properties came to."""
    def parsed(logical_id, resource, resources):
        found = parse(logical_id, resource, resources)
        if found:
            stack = resolved.setdefault(resources["AWS::StackName"], {})
            stack[logical_id] = copy.deepcopy(found[1].get("Properties", {}))
        return found
    return parsed


def with_dependents(difference):
    """A task definition that changes is a new one, and then the service changes too."""
    def changed(resources, template, parameters=None):
        found = difference(resources, template, parameters)
        modified = found["Modify"]
        if "TaskDefinition" in modified and "Service" in template["Resources"]:
            found["Modify"] = [name for name in modified if name != "Service"] + ["Service"]
        return found
    return changed


def with_attribute(model, attribute, value):
    """An attribute that templates may ask of a resource, and moto's does not have."""
    known = getattr(model, "get_cfn_attribute", None)
    model.get_cfn_attribute = lambda self, name: value(self) if name == attribute else known(self, name)


with_attribute(AccessPoint, "Arn", lambda point: point.access_point_arn)
AccessPoint.physical_resource_id = property(lambda point: point.access_point_id)
with_attribute(FakeLoadBalancer, "LoadBalancerFullName", lambda balancer: balancer.arn.split("loadbalancer/")[1])
with_attribute(FakeTargetGroup, "TargetGroupFullName", lambda group: group.arn.split(":")[-1])
parsing.clean_json = with_cidr(parsing.clean_json)
parsing.parse_resource_and_generate_name = with_record(parsing.parse_resource_and_generate_name)
parsing.ResourceMap.build_resource_diff = with_dependents(parsing.ResourceMap.build_resource_diff)


class Account:
    """The server, and where it listens. Ends with the process."""

    def __init__(self):
        global _endpoint
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        _endpoint = self.endpoint = f"http://{host}:{port}"
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}
