# shellcheck shell=bash disable=SC2154
# Sourced by deploy.sh: tasks, one-off and serving.

readonly migrate_seconds_max=1800
readonly service_seconds_max=1800

# migrate IMAGE: brings the volume's schema up with the new image, in a task of its own, before any new task serves.
# Tasks of the image that serves now go on meanwhile: a schema only ever grows in a way that they can live with.
migrate() {
    local image=$1 cluster definition task state code reason deadline
    cluster=$(output_of "$name" ClusterName)
    # A task may name another command than its definition, but not another image: so a definition for this one time.
    definition=$(aws ecs describe-task-definition --task-definition "$(output_of "$name" TaskDefinitionArn)" |
        jq --arg image "$image" --arg family "$name-migrate" '.taskDefinition
            | {family: $family, taskRoleArn, executionRoleArn, networkMode, volumes, requiresCompatibilities, cpu, memory,
               runtimePlatform,
               containerDefinitions: (.containerDefinitions | map(
                   .image = $image | .command = ["migrate", "up"] | del(.healthCheck) | .portMappings = []))}
            | with_entries(select(.value != null))') || die "the task definition cannot be read (above)"
    definition=$(aws ecs register-task-definition --cli-input-json "$definition" \
        --query taskDefinition.taskDefinitionArn --output text) || die "AWS does not take the definition (above)"
    task=$(aws ecs run-task --cluster "$cluster" --task-definition "$definition" --launch-type FARGATE \
        --started-by stoa-deploy --query 'tasks[0].taskArn' --output text --network-configuration "awsvpcConfiguration={
            subnets=[$(output_of "$name" TaskSubnets)],securityGroups=[$(output_of "$name" TaskGroupId)]}") ||
        die "the migration could not be started (above). The service was not touched"
    say "task ${task##*/}: stoa migrate up"
    deadline=$((SECONDS + migrate_seconds_max))
    while :; do
        read -r state code reason < <(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" | jq -r '.tasks[0]
            | "\(.lastStatus) \(.containers[0].exitCode) \(.stoppedReason // "") \(.containers[0].reason // "")"')
        [[ $state != STOPPED ]] || break
        ((SECONDS < deadline)) || die "the migration has not ended after $migrate_seconds_max s. It goes on, and the" \
            "service was not touched; see its log: $(log_command "$task"), and run this again when it has ended"
        sleep "$poll_seconds"
    done
    aws ecs deregister-task-definition --task-definition "$definition" >/dev/null || true
    [[ $code == 0 ]] && say "the schema is up" && return
    [[ ! $change_set ]] || drop_change "$name"
    tail_log "$task"
    die "the migration ended with status $code ($reason). The service was not touched and goes on with the old image." \
        "Its whole log: $(log_command "$task")"
}

log_command() {
    echo "aws logs get-log-events --log-group-name /stoa/$name --log-stream-name task/stoa/${1##*/} --region $region"
}

tail_log() {
    aws logs get-log-events --log-group-name "/stoa/$name" --log-stream-name "task/stoa/${1##*/}" --limit 20 \
        --query 'events[].message' --output json 2>/dev/null | jq -r '.[] | "  | \(.)"' >&2 || true
}

describe_service() {
    aws ecs describe-services --cluster "$(output_of "$name" ClusterName)" --services "$(output_of "$name" ServiceName)" |
        jq '.services[0]'
}

# Waits until the tasks that the stack names are the ones that serve. ECS may have gone back by itself meanwhile.
await_service() {
    local wanted service said last="" deadline=$((SECONDS + service_seconds_max))
    wanted=$(output_of "$name" TaskDefinitionArn)
    while ((SECONDS < deadline)); do
        service=$(describe_service)
        said=$(jq -r '.deployments | map("\(.status) \(.taskDefinition | split("/")[-1]): \(.runningCount) of " +
            "\(.desiredCount) run, \(.rolloutState // "")") | join("; ")' <<<"$service")
        [[ $said == "$last" ]] || say "  $(date -u +%H:%M:%S)  $said"
        last=$said
        case $(jq -r --arg wanted "$wanted" '.deployments as $all | ($all | map(select(.status == "PRIMARY")) | .[0]) as $new
            | if $new.taskDefinition != $wanted or $new.rolloutState == "FAILED" then "back"
              elif ($all | length) == 1 and $new.rolloutState == "COMPLETED" then "serves" else "wait" end' <<<"$service") in
            serves) return 0 ;;
            back)
                explain_tasks
                return 1
                ;;
        esac
        sleep "$poll_seconds"
    done
    explain_tasks
    return 1
}

# What ECS says about tasks that do not stay.
explain_tasks() {
    local cluster task
    describe_service 2>/dev/null | jq -r '.events[:5] | .[].message | "  | \(.)"' >&2 || true
    cluster=$(output_of "$name" ClusterName)
    for task in $(aws ecs list-tasks --cluster "$cluster" --desired-status STOPPED --max-items 3 \
        --query 'taskArns[]' --output text 2>/dev/null); do
        [[ $task == arn:* ]] || continue
        aws ecs describe-tasks --cluster "$cluster" --tasks "$task" | jq -r '.tasks[0] | "  | task \(.taskArn |
            split("/")[-1]) ended: \(.stoppedReason // "") (status \(.containers[0].exitCode // "none"))"' >&2 || true
    done
}

tell_service() {
    local service
    service=$(describe_service)
    jq -r '"service   \(.runningCount) of \(.desiredCount) tasks run", (.deployments[] |
        "          \(.status) \(.taskDefinition | split("/")[-1]) \(.rolloutState // "")"),
        (.events[:3][] | "          \(.message)")' <<<"$service" >&2
    [[ $(jq -r '(.deployments | length) == 1 and .runningCount >= .desiredCount and .desiredCount > 0' <<<"$service") == true ]]
}

# The image that ran before the present one: ECS remembers each definition, also those that CloudFormation has retired.
previous_image() {
    local present status arn image
    present=$(parameter_of "$name" ImageUri)
    for status in ACTIVE INACTIVE; do
        for arn in $(aws ecs list-task-definitions --family-prefix "$name" --status "$status" --sort DESC --max-items 30 \
            --query 'taskDefinitionArns[]' --output text); do
            [[ $arn == *":task-definition/$name:"* ]] || continue
            image=$(aws ecs describe-task-definition --task-definition "$arn" --output text \
                --query 'taskDefinition.containerDefinitions[0].image')
            [[ $image == "$present" ]] || printf '%s %s\n' "${arn##*:}" "$image"
        done
    done | sort -rn | head -n 1 | cut -d ' ' -f 2
}
