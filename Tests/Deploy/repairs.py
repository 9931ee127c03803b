"""Where moto's CloudFormation errs: see `account`."""

import copy
import ipaddress

import moto.cloudformation.parsing as parsing
from moto.ecr.models import Repository, ecr_backends
from moto.efs.models import AccessPoint

from account import resolved


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


def with_conditions(parse):
    """!Condition, which moto's reader writes as a function that it does not know."""
    def parsed(condition, resources, conditions):
        if isinstance(condition, dict):
            if "Fn::Condition" in condition:
                return conditions[condition["Fn::Condition"]]
            condition = {name: [{"Condition": one["Fn::Condition"]} if isinstance(one, dict) and "Fn::Condition" in one else one
                                for one in values] for name, values in condition.items()}
        return parse(condition, resources, conditions)
    return parsed


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
parsing.clean_json = with_cidr(parsing.clean_json)
parsing.parse_condition = with_conditions(parsing.parse_condition)
parsing.parse_resource_and_generate_name = with_record(parsing.parse_resource_and_generate_name)
parsing.ResourceMap.build_resource_diff = with_dependents(parsing.ResourceMap.build_resource_diff)
# EmptyOnDelete: images go with their repository.
Repository.delete = lambda repository, account, region: ecr_backends[account][region].delete_repository(
    repository.name, force=True)
