"""Change sets as CloudFormation has them: moto compares templates without their parameters, leaves outputs and parameters
as they were, and knows neither waiting nor going back. Here a stack is under way for as long as `scheduler` (see `ecs`) still
deploys its service, and goes back when that fails; a resource named in `faults` fails with the reason given there."""

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
import yaml
from moto.cloudformation.utils import yaml_tag_constructor

from account import ACCOUNT, REGION

faults = {}
scheduler = None


def stack_named(name):
    return next(stack for stack in models.cloudformation_backends[ACCOUNT][REGION].stacks.values() if stack.name == name)


def complete(template, parameters):
    """With the defaults: a parameter that keeps its value is no change."""
    yaml.add_multi_constructor("", yaml_tag_constructor)
    known = yaml.load(template, Loader=yaml.Loader).get("Parameters", {})
    named = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in (parameters or {}).items()}
    return {name: str(one["Default"]) for name, one in known.items() if "Default" in one} | named


def bring(stack, template, parameters):
    """The stack's resources to what a template says of them."""
    stack.template = template
    stack._parse_template()
    stack.resource_map.update(stack.template_dict, parameters)
    stack.parameters = dict(parameters)
    stack.output_map = stack._create_output_map()


def change(stack, kind, template, parameters):
    # A change set of a new stack left the new parameters there already.
    before = (stack.template, dict(stack.parameters)) if kind == "UPDATE" else None
    broken = next((name for name in faults if name in template), None)
    if broken:
        stack._add_stack_event(f"{kind}_FAILED", resource_status_reason=faults.pop(broken))
        stack.stored_status = "UPDATE_ROLLBACK_COMPLETE" if before else "ROLLBACK_COMPLETE"
        return
    bring(stack, template, complete(template, parameters))
    stack.stored_status = f"{kind}_COMPLETE"
    if scheduler:
        scheduler.follow(stack, kind, before)


def go_back(stack, before, reason):
    """What CloudFormation does when a service does not get stable."""
    stack._add_stack_event("UPDATE_FAILED" if before else "CREATE_FAILED", resource_status_reason=reason)
    if before:
        bring(stack, *before)
    stack.stored_status = "UPDATE_ROLLBACK_COMPLETE" if before else "ROLLBACK_COMPLETE"


def execute_change_set(backend, change_set_name, stack_name=None):
    found = next(change_set for identity, change_set in backend.change_sets.items()
                 if change_set_name in (identity, change_set.change_set_name))
    change(backend.stacks[found.stack_id], found.change_set_type, found.template, found.parameters)
    found.execution_status = "EXECUTE_COMPLETE"


def create_change_set(backend, **named):
    return _create_change_set(backend, **named | {"parameters": complete(named["template"], named["parameters"])})


def update_stack(stack, template, role_arn=None, parameters=None, tags=None):
    change(stack, "UPDATE", template or stack.template, parameters)


def difference(change_set):
    """Of template and parameters."""
    resources = change_set.stack.resource_map
    names = resources.build_resource_diff(change_set.template_dict, change_set.parameters)
    kinds = {**resources._resource_json_map, **change_set.template_dict["Resources"]}
    return [models.Change(action=action, logical_resource_id=name, resource_type=kinds[name]["Type"])
            for action, found in names.items() for name in found]


def status_of(stack):
    stored = getattr(stack, "stored_status", "CREATE_IN_PROGRESS")
    if scheduler and scheduler.is_under_way(stack.name):
        return ("CREATE" if stored.startswith("CREATE") else "UPDATE") + "_IN_PROGRESS"
    return stored


models.Stack.status = property(status_of, lambda stack, value: setattr(stack, "stored_status", value))
models.Stack.update = update_stack
models.ChangeSet.diff = difference
models.CloudFormationBackend.execute_change_set = execute_change_set
_create_change_set, models.CloudFormationBackend.create_change_set = (
    models.CloudFormationBackend.create_change_set, create_change_set)
responses.CloudFormationResponse._validate_different_update = lambda self, *_: None
# A stack with nothing in it yet.
parsing.ResourceMap.__iter__ = lambda self: iter(self.resources)
