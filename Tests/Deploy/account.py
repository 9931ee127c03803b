"""A pretend AWS account: moto's server in this process, taught what its CloudFormation lacks.

moto makes roles, listeners, access points and much else from a template by itself. It knows no scaling, alarms, metric
filters and CloudFront there, and drops much of what a template says of ECS, security groups, load balancers and the volume.
Such types are made by calls to the service's own API at the same server, with the properties that the template resolves to,
so that botocore checks every name and kind (`taught`). What no moto service knows at all (VPC origins, CloudFront's
policies) is checked against botocore's model of the real API and remembered. Where moto's CloudFormation errs, `repairs` and
`stacks` put it right. `resolved` has the properties of every resource of every stack.
"""

import copy
import os
import sys
import traceback

import boto3
import botocore.session
import flask
from botocore.validate import ParamValidator

REGION, ACCOUNT = "eu-central-1", "123456789012"
# moto takes any; the command-line client insists on some.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION,
               "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull,
               "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
os.environ.update(CREDENTIALS)

from moto.core.common_models import CloudFormationModel  # noqa: E402  (it reads the environment)
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


# The server would answer 500 and say nothing.
flask.Flask.log_exception = lambda app, problem: traceback.print_exception(*problem, file=sys.stdout)


class Account:
    """The server, and where it listens. Ends with the process."""

    def __init__(self):
        global _endpoint
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        _endpoint = self.endpoint = f"http://{host}:{port}"
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}


import repairs  # noqa: E402, F401
import taught  # noqa: E402, F401  (both build on what is above)
