# shellcheck shell=bash disable=SC2154
# Sourced by deploy.sh: stacks, and what is about to change in them.

readonly stack_seconds_max=3600
readonly poll_seconds=${STOA_DEPLOY_POLL_SECONDS:-5}
parameters=()
change_set=""
# What a stack was before a change, to go back to.
before_template="" before_parameters=""

# A stack as it was when it was looked at last; each look is a request of a second.
describe_stack() {
    [[ -e $scratch/$1.json ]] || look_at "$1"
    cat "$scratch/$1.json"
}

look_at() {
    aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0]' >"$scratch/$1.json" 2>"$scratch/why" || {
        : >"$scratch/$1.json"
        grep -q 'does not exist' "$scratch/why" || die "AWS does not tell about $1: $(tail -n 1 "$scratch/why")"
    }
}

# The state now, or nothing where there is no such stack.
stack_state() {
    look_at "$1"
    known_state "$1"
}

# A change set that was never executed leaves an empty stack, which is none.
known_state() { describe_stack "$1" | jq -r '.StackStatus | select(. != "REVIEW_IN_PROGRESS")'; }

stack_exists() { [[ $(known_state "$1") ]]; }

output_of() { describe_stack "$1" | jq -r --arg k "$2" '.Outputs[]? | select(.OutputKey == $k).OutputValue'; }
parameter_of() { describe_stack "$1" | jq -r --arg k "$2" '.Parameters[]? | select(.ParameterKey == $k).ParameterValue'; }

address() {
    if [[ $url_given ]]; then echo "$url_given"; else output_of "$name" Url; fi
}

tell_outputs() { describe_stack "$name" | jq -r '.Outputs[]? | "  \(.OutputKey)  \(.OutputValue)"' >&2; }

template_summary() {
    aws cloudformation get-template-summary --template-body "$(compact_template "$home/deploy/template.yml")"
}

# Comments count towards the 51,200 bytes that a template may have, and AWS does not read them.
compact_template() { sed '/^ *#/d' "$1"; }

# A state from which a change may begin. Somebody else's change is waited for; a broken one is explained.
need_settled() {
    local stack=$1 state deadline=$((SECONDS + stack_seconds_max))
    while :; do
        state=$(stack_state "$stack")
        case $state in
            "" | CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE | IMPORT_COMPLETE) return ;;
            ROLLBACK_COMPLETE)
                die "the first creation of $stack failed, and AWS wants such a stack deleted before the next try:" \
                    "aws cloudformation delete-stack --stack-name $stack --region $region. Why it failed:" \
                    "$(failures "$stack")"
                ;;
            UPDATE_ROLLBACK_FAILED)
                die "$stack could not be taken back; correct what it says and run: aws cloudformation" \
                    "continue-update-rollback --stack-name $stack --region $region. It says: $(failures "$stack")"
                ;;
            DELETE_FAILED)
                die "$stack could not be deleted whole: $(failures "$stack"). Run: $0 destroy --name $name"
                ;;
            *_IN_PROGRESS)
                ((SECONDS < deadline)) || die "$stack has been $state for $stack_seconds_max s; try again later"
                say "$stack is $state; waiting"
                sleep "$poll_seconds"
                ;;
            *) die "$stack is $state, which this script does not know; see the CloudFormation console" ;;
        esac
    done
}

# The reasons that CloudFormation gives, newest event first; "cancelled" only repeats that something else failed.
failures() {
    aws cloudformation describe-stack-events --stack-name "$1" 2>/dev/null | jq -r '
        [.StackEvents[] | select(.ResourceStatus | endswith("FAILED"))
            | select((.ResourceStatusReason // "") | test("cancelled") | not)
            | "\(.LogicalResourceId): \(.ResourceStatusReason // "no reason given")"] | .[0:3] | join("; ")'
}

# prepare_change STACK TEMPLATE CAPABILITY: makes a change set; `change_set` is empty when nothing would change.
# Without a template the one that the stack has is used.
prepare_change() {
    local stack=$1 template=$2 capability=$3 kind=UPDATE state reason body=(--use-previous-template)
    stack_exists "$stack" || kind=CREATE
    [[ ! $template ]] || body=(--template-body "$(compact_template "$template")")
    change_set=stoa-$(date -u +%Y%m%d-%H%M%S)-$$
    aws cloudformation create-change-set --stack-name "$stack" --change-set-name "$change_set" \
        --change-set-type "$kind" "${body[@]}" --capabilities "$capability" \
        --parameters "[$(IFS=, && echo "${parameters[*]}")]" >/dev/null ||
        die "AWS does not take the change of $stack (above). Nothing was changed"
    while :; do
        aws cloudformation describe-change-set --stack-name "$stack" --change-set-name "$change_set" \
            >"$scratch/change.json" || die "AWS does not tell about the change of $stack (above)"
        read -r state reason < <(describe_change | jq -r '"\(.Status) \(.StatusReason // "")"')
        case $state in
            CREATE_COMPLETE) break ;;
            FAILED)
                aws cloudformation delete-change-set --stack-name "$stack" --change-set-name "$change_set" >/dev/null || true
                change_set=""
                [[ $reason == *"didn't contain changes"* || $reason == *"No updates"* ]] ||
                    die "AWS refuses the change of $stack: $reason"
                say "nothing to change"
                return
                ;;
        esac
        sleep 1
    done
    print_change
    guard_volume "$stack"
}

describe_change() { cat "$scratch/change.json"; }

print_change() {
    describe_change | jq -r '.Changes[]?.ResourceChange |
        "  \({Add: "+", Modify: "~", Remove: "-"}[.Action] // .Action) \(.LogicalResourceId)  \(.ResourceType)" +
        (if .Replacement == "True" then "  (replaced)"
         elif .Replacement == "Conditional" then "  (perhaps replaced)" else "" end)' >&2
}

# However it came about, no deployment takes the volume away.
guard_volume() {
    local bad
    bad=$(describe_change | jq -r '.Changes[]?.ResourceChange
        | select(.ResourceType == "AWS::EFS::FileSystem" and (.Action == "Remove" or .Replacement == "True"))
        | .LogicalResourceId')
    [[ ! $bad ]] || {
        drop_change "$1"
        die "this would leave the service without its volume ($bad). Nothing was changed. If that is meant, say it to" \
            "CloudFormation, not to this script"
    }
}

drop_change() {
    aws cloudformation delete-change-set --stack-name "$1" --change-set-name "$change_set" >/dev/null || true
    # What the change set of a new stack leaves behind.
    look_at "$1"
    stack_exists "$1" || aws cloudformation delete-stack --stack-name "$1" || true
    change_set=""
}

show_change() {
    prepare_change "$@"
    [[ ! $change_set ]] || drop_change "$1"
}

change_stack() {
    prepare_change "$@"
    execute_change "$1"
}

execute_change() {
    [[ $change_set ]] || return 0
    aws cloudformation execute-change-set --stack-name "$1" --change-set-name "$change_set" >/dev/null ||
        die "the change of $1 did not begin (above)"
    change_set=""
    await_stack "$1" || {
        [[ $1 != "$name" ]] || explain_tasks
        die "$1 is $(stack_state "$1"): $(failures "$1"). CloudFormation has gone back to what was; correct the cause and" \
            "run this again"
    }
}

# Waits until a stack is at rest; fails if that is not what was wanted.
await_stack() {
    local state last="" deadline=$((SECONDS + stack_seconds_max))
    while ((SECONDS < deadline)); do
        state=$(stack_state "$1")
        [[ $state == "$last" ]] || say "  $(date -u +%H:%M:%S)  $1: $state"
        last=$state
        case $state in
            CREATE_COMPLETE | UPDATE_COMPLETE) return 0 ;;
            *_IN_PROGRESS | "") sleep "$poll_seconds" ;;
            *) return 1 ;;
        esac
    done
    die "$1 has been $state for $stack_seconds_max s; watch it: aws cloudformation describe-stack-events --stack-name $1"
}

remember_stack() {
    before_template="" before_parameters=""
    stack_exists "$name" || return 0
    before_template=$(aws cloudformation get-template --stack-name "$name" --query TemplateBody --output json |
        jq -r 'if type == "string" then . else tojson end')
    before_parameters=$(describe_stack "$name" |
        jq -c '[.Parameters[] | {ParameterKey, ParameterValue}]')
}

restore_stack() {
    aws cloudformation update-stack --stack-name "$name" --template-body "$before_template" \
        --parameters "$before_parameters" --capabilities CAPABILITY_NAMED_IAM >/dev/null ||
        die "AWS does not take the way back (above); by hand: $0 rollback --name $name"
    await_stack "$name" || die "the way back failed: $(failures "$name")"
}

unprotect_load_balancer() {
    local balancer
    balancer=$(output_of "$name" LoadBalancerArn)
    [[ ! $balancer ]] || aws elbv2 modify-load-balancer-attributes --load-balancer-arn "$balancer" \
        --attributes Key=deletion_protection.enabled,Value=false >/dev/null ||
        die "the load balancer's protection cannot be lifted (above); nothing was deleted"
}

delete_stack() {
    stack_exists "$1" || return 0
    say "deleting $1"
    aws cloudformation delete-stack --stack-name "$1" || die "$1 cannot be deleted (above)"
    local deadline=$((SECONDS + stack_seconds_max)) state
    while state=$(stack_state "$1") && [[ $state && $state != DELETE_COMPLETE ]]; do
        [[ $state != DELETE_FAILED ]] || die "$1 could not be deleted whole: $(failures "$1"). Run this again afterwards"
        ((SECONDS < deadline)) || die "$1 is still being deleted after $stack_seconds_max s; run this again later"
        sleep "$poll_seconds"
    done
}

delete_volume() {
    [[ $1 ]] || return 0
    say "deleting the volume $1"
    aws efs delete-file-system --file-system-id "$1" ||
        die "the volume $1 was not deleted (above); by hand: aws efs delete-file-system --file-system-id $1"
}
