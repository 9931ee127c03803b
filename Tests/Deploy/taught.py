"""Resource types that moto's CloudFormation lacks, or makes half of what a template says: see `account`."""

import json

from account import ACCOUNT, REGION, call, checked, client, lower_names, teach


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


def make_log_group(name, properties):
    logs, identity = client("logs"), properties.get("LogGroupName", name)
    logs.create_log_group(logGroupName=identity)
    logs.put_retention_policy(logGroupName=identity, retentionInDays=int(properties["RetentionInDays"]))
    return identity, {"Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{identity}:*"}


def change_log_group(group, properties):
    client("logs").put_retention_policy(logGroupName=group.physical_resource_id,
                                        retentionInDays=int(properties["RetentionInDays"]))
    return group.physical_resource_id, group.attributes


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


def permissions(rules):
    """A group's rules in the API's form."""
    made = []
    for rule in rules:
        one = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
        if "CidrIp" in rule:
            one["IpRanges"] = [{"CidrIp": rule["CidrIp"], "Description": rule["Description"]}]
        elif "SourcePrefixListId" in rule:
            one["PrefixListIds"] = [{"PrefixListId": rule["SourcePrefixListId"], "Description": rule["Description"]}]
        else:
            one["UserIdGroupPairs"] = [{"GroupId": rule["DestinationSecurityGroupId"], "Description": rule["Description"]}]
        made.append(one)
    return made


def set_rules(group, properties):
    ec2 = client("ec2")
    now = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    # Rules that are resources of their own stay.
    mine = [one for one in now["IpPermissions"] if not one["UserIdGroupPairs"]]
    for arguments, revoke in ((mine, ec2.revoke_security_group_ingress),
                              (now["IpPermissionsEgress"], ec2.revoke_security_group_egress)):
        if arguments:
            revoke(GroupId=group, IpPermissions=arguments)
    if properties.get("SecurityGroupIngress"):
        call("ec2", "AuthorizeSecurityGroupIngress",
             {"GroupId": group, "IpPermissions": permissions(properties["SecurityGroupIngress"])})
    call("ec2", "AuthorizeSecurityGroupEgress",
         {"GroupId": group, "IpPermissions": permissions(properties["SecurityGroupEgress"])})


def make_group(name, properties):
    made = client("ec2").create_security_group(
        GroupName=name, Description=properties["GroupDescription"], VpcId=properties["VpcId"])
    set_rules(made["GroupId"], properties)
    return made["GroupId"], {"GroupId": made["GroupId"]}


def change_group(group, properties):
    set_rules(group.physical_resource_id, properties)
    return group.physical_resource_id, group.attributes


def make_route_table(name, properties):
    made = client("ec2").create_route_table(VpcId=properties["VpcId"])["RouteTable"]
    return made["RouteTableId"], {"RouteTableId": made["RouteTableId"]}


def end_route_table(table):
    ec2, identity = client("ec2"), table.physical_resource_id
    for one in ec2.describe_route_tables(RouteTableIds=[identity])["RouteTables"][0]["Associations"]:
        ec2.disassociate_route_table(AssociationId=one["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=identity)


def make_load_balancer(name, properties):
    attributes = properties.pop("LoadBalancerAttributes")
    # A name of the API has 32 characters, and its last ones tell two apart.
    made = call("elbv2", "CreateLoadBalancer", {"Name": name[-32:].lstrip("-"), **properties})["LoadBalancers"][0]
    call("elbv2", "ModifyLoadBalancerAttributes", {"LoadBalancerArn": made["LoadBalancerArn"], "Attributes": attributes})
    return made["LoadBalancerArn"], {"DNSName": made["DNSName"],
                                     "LoadBalancerFullName": made["LoadBalancerArn"].split("loadbalancer/")[1]}


def end_load_balancer(balancer):
    client("elbv2").delete_load_balancer(LoadBalancerArn=balancer.physical_resource_id)


def make_target_group(name, properties):
    attributes = properties.pop("TargetGroupAttributes")
    made = call("elbv2", "CreateTargetGroup", {"Name": name[-32:].lstrip("-"), **properties})["TargetGroups"][0]
    call("elbv2", "ModifyTargetGroupAttributes", {"TargetGroupArn": made["TargetGroupArn"], "Attributes": attributes})
    return made["TargetGroupArn"], {"TargetGroupFullName": made["TargetGroupArn"].split(":")[-1]}


def end_target_group(group):
    client("elbv2").delete_target_group(TargetGroupArn=group.physical_resource_id)


TYPES = [
    # moto makes these, and does not delete them.
    teach("AWS::EC2::RouteTable", make_route_table, None, end_route_table),
    teach("AWS::ElasticLoadBalancingV2::LoadBalancer", make_load_balancer, None, end_load_balancer),
    teach("AWS::ElasticLoadBalancingV2::TargetGroup", make_target_group,
          lambda old, new: (old.physical_resource_id, old.attributes), end_target_group),
    teach("AWS::EC2::SecurityGroup", make_group, change_group,
          lambda group: client("ec2").delete_security_group(GroupId=group.physical_resource_id)),
    teach("AWS::ECS::TaskDefinition", make_task_definition),
    teach("AWS::ECS::Service", make_service, change_service, end_service),
    teach("AWS::ApplicationAutoScaling::ScalableTarget", make_scalable_target, None, end_scalable_target),
    teach("AWS::ApplicationAutoScaling::ScalingPolicy", make_scaling_policy),
    teach("AWS::CloudWatch::Alarm", make_alarm, lambda old, new: make_alarm(old.physical_resource_id, new),
          lambda alarm: client("cloudwatch").delete_alarms(AlarmNames=[alarm.physical_resource_id])),
    teach("AWS::Logs::LogGroup", make_log_group, change_log_group,
          lambda group: client("logs").delete_log_group(logGroupName=group.physical_resource_id)),
    teach("AWS::Logs::MetricFilter", make_metric_filter),
    teach("AWS::CloudFront::Distribution", make_distribution, lambda old, new: (old.physical_resource_id, old.attributes),
          end_distribution),
    teach("AWS::CloudFront::VpcOrigin", make_vpc_origin),
    teach("AWS::CloudFront::CachePolicy", make_cache_policy),
    teach("AWS::CloudFront::ResponseHeadersPolicy", make_headers_policy),
    teach("AWS::EFS::FileSystem", make_file_system, lambda old, new: (old.physical_resource_id, old.attributes)),
]
