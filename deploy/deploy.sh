#!/usr/bin/env bash
# Stoa on AWS, from a clone to an address: see `usage`.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: deploy/deploy.sh [COMMAND] [OPTIONS]

Builds the image, pushes it by digest, brings the volume's schema up, updates the stacks, waits until the new tasks serve,
chats with them through the public address, and goes back to what was before if that fails. Run it again at any time: what is
done is not done twice, and a setting that is not named keeps its value.

COMMANDS
  deploy      (the default) all of the above
  plan        the same as --plan: prints what `deploy` would change, and changes nothing
  status      what runs, and whether it is well; status 0 only if it is
  smoke       only the chat through the public address
  rollback    goes back to the image that ran before the last deployment
  destroy     deletes the stacks, but not the volume: chats stay unless --delete-data says otherwise

OPTIONS
  --name NAME          of the stack (default: stoa); several may live side by side
  --region REGION      default: AWS_REGION, then what the AWS CLI is configured with
  --plan               print what would change, change nothing
  --yes                do not ask (destroy asks otherwise)
  --delete-data        with destroy: delete the volume too; it has to be confirmed by its id, or given as --delete-data=fs-...

 what is deployed
  --image URI@sha256:… an image that exists already; without it, this clone is built and pushed
  --architecture A     arm64 (the default) or amd64

 where
  --vpc ID --public-subnets A,B --private-subnets A,B      a network of yours (without: one is made)
  --network-cidr C, --egress nat|nat-per-zone|endpoints    how the network that is made looks
  --volume fs-…        serve a volume that an earlier stack of this name has left
  --edge cloudfront|none, --domain NAME, --certificate ARN, --edge-certificate ARN, --allow CIDR
  --url URL            where the smoke test finds the page, if not at the address that the stack tells

 models
  --bedrock ID,ID      models or inference profiles on Bedrock; tasks may invoke these and no others
  --openai-url URL, --openai-models A,B, --model-secret ARN      an OpenAI-compatible server, its key as a secret's ARN

 size and watching
  --tasks MIN:MAX, --cpu 256|512|1024|2048, --memory MIB, --alarm-email ADDRESS
  --set PARAMETER=VALUE                                    any other parameter of template.yml

EXAMPLES
  deploy/deploy.sh --plan
  deploy/deploy.sh --bedrock eu.amazon.nova-micro-v1:0 --alarm-email ops@example.com
  deploy/deploy.sh --edge none --domain chat.example.com --certificate arn:aws:acm:eu-central-1:1…:certificate/…
  deploy/deploy.sh --vpc vpc-1 --public-subnets subnet-1,subnet-2 --private-subnets subnet-3,subnet-4
  deploy/deploy.sh rollback
  deploy/deploy.sh destroy --name stoa-test --delete-data

Needs: aws (version 2, or 1.27 and newer), docker (only to build), jq, curl, git. What AWS permissions it takes is in
DEPLOY.md. Exit status: 0 done, 1 failed (what was is still there, or is back), 64 wrong usage.
USAGE
}

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/aws/settings.sh
source "$home/deploy/aws/settings.sh"
# shellcheck source=deploy/aws/stacks.sh
source "$home/deploy/aws/stacks.sh"
# shellcheck source=deploy/aws/image.sh
source "$home/deploy/aws/image.sh"
# shellcheck source=deploy/aws/tasks.sh
source "$home/deploy/aws/tasks.sh"
# shellcheck source=deploy/aws/smoke.sh
source "$home/deploy/aws/smoke.sh"

# ---------------------------------------------------------------------------------------------- commands

deploy() {
    local before_image=""
    need_settled "$base"
    need_settled "$name"
    need_complete_network
    step "registry and network ($base)"
    base_parameters
    change_stack "$base" "$home/deploy/base.yml" CAPABILITY_IAM
    step "image"
    local image=$image_given
    [[ $image ]] || image=$(pushed_image)
    say "$image"
    ! stack_exists "$name" || before_image=$(parameter_of "$name" ImageUri)
    service_parameters "$image"
    # Looked at before the schema is touched: a change that would take the volume away must not begin.
    step "what will change ($name)"
    prepare_change "$name" "$home/deploy/template.yml" CAPABILITY_NAMED_IAM
    if [[ $before_image && $before_image != "$image" ]]; then
        step "schema"
        migrate "$image"
    fi
    step "service ($name)"
    remember_stack
    [[ $change_set ]] || is_changed=0
    execute_change "$name"
    await_service || give_up "the new tasks do not get ready"
    step "smoke test"
    smoke "$(address)" || give_up "the chat through $(address) failed"
    say ""
    say "Stoa serves $(address)"
    tell_outputs
}

is_changed=1

# give_up WHY: back to what was before the change, if there was anything.
give_up() {
    say "error: $1"
    ((is_changed)) || die "nothing was changed, so there is nothing to go back to; see: $0 status --name $name, and:" \
        "aws logs tail /stoa/$name --since 15m --region $region"
    if [[ ! $before_template ]]; then
        die "this was the first deployment, so there is nothing to go back to. Its tasks' log: aws logs tail" \
            "/stoa/$name --since 15m --region $region; correct the cause and run this again, or: $0 destroy --name $name"
    fi
    step "going back to the image that ran before"
    restore_stack
    await_service || die "going back did not work either; see: $0 status --name $name, and" \
        "aws ecs describe-services --cluster $(output_of "$name" ClusterName) --services $(output_of "$name" ServiceName)"
    die "the deployment failed and was taken back: $(parameter_of "$name" ImageUri) serves again. The failed tasks' log:" \
        "aws logs tail /stoa/$name --since 30m --region $region"
}

plan() {
    need_settled "$base"
    need_settled "$name"
    need_complete_network
    step "registry and network ($base)"
    base_parameters
    show_change "$base" "$home/deploy/base.yml" CAPABILITY_IAM
    step "service ($name)"
    if [[ $(stack_state "$base") != *_COMPLETE ]]; then
        say "after that: $(jq -r '.Parameters | length' < <(template_summary)) parameters, and these resources:"
        template_summary | jq -r '.ResourceTypes | unique | .[] | "  + \(.)"' >&2
        say "(which of them, AWS tells once the network is there)"
        return
    fi
    local image=$image_given
    [[ $image ]] || image=$(known_image)
    [[ $image ]] || {
        say "this clone's image ($(image_tag)) would be built and pushed first"
        # Any digest will do to see what a new image changes.
        image=$(output_of "$base" RepositoryUri)@sha256:$(printf '0%.0s' {1..64})
    }
    service_parameters "$image"
    show_change "$name" "$home/deploy/template.yml" CAPABILITY_NAMED_IAM
}

roll_back() {
    need_settled "$name"
    stack_exists "$name" || die "there is no stack $name in $region; see: aws cloudformation list-stacks"
    local previous
    previous=$(previous_image)
    [[ $previous ]] || die "no earlier image is known; choose one: aws ecr describe-images --repository-name $base," \
        "then: $0 --name $name --image URI@sha256:..."
    step "back to $previous"
    service_parameters "$previous"
    prepare_change "$name" "" CAPABILITY_NAMED_IAM
    remember_stack
    execute_change "$name"
    await_service || give_up "the earlier image does not get ready"
    smoke "$(address)" || give_up "the chat through $(address) failed"
    say "Stoa serves $(address) with $previous"
}

status() {
    stack_exists "$name" || die "there is no stack $name in $region; deploy one: $0 --name $name"
    say "stack     $(stack_state "$name")"
    say "image     $(parameter_of "$name" ImageUri)"
    tell_outputs
    tell_service
}

destroy() {
    local volume="" answer
    need_settled "$name"
    if stack_exists "$name"; then
        volume=$(output_of "$name" FileSystemId)
        say "This deletes the service, the load balancer, logs and alarms of $name in $region, and what made its network."
        if ((delete_data)); then
            say "It DELETES THE VOLUME $volume with every chat in it. (Recovery points in AWS Backup stay.)"
        else
            say "The volume ${volume:-} stays, with every chat; later: $0 --name $name --volume ${volume:-}"
        fi
        if ((!assume_yes)); then
            [[ -t 0 ]] || die "nobody is here to ask; say --yes if you mean it"
            read -r -p "Type the name of the stack to go on: " answer
            [[ $answer == "$name" ]] || die "not confirmed; nothing was deleted"
        fi
        if ((delete_data)) && [[ $delete_data_id != "$volume" ]]; then
            [[ -t 0 ]] || die "the volume has to be named: --delete-data=$volume; nothing was deleted"
            read -r -p "Type the id of the volume to delete it: " answer
            [[ $answer == "$volume" ]] || die "not confirmed; nothing was deleted"
        fi
        unprotect_load_balancer
        delete_stack "$name"
    else
        say "there is no stack $name in $region"
    fi
    delete_stack "$base"
    ((!delete_data)) || delete_volume "$volume"
    say "done"
    [[ ! $volume ]] || ((delete_data)) || say "kept: $volume (it goes on costing what it stores)"
}

# --------------------------------------------------------------------------------------------- arguments

# In a function, so that bash has read the whole file before it begins: one may pull or edit meanwhile.
main() {
    read_arguments "$@"
    case $command in
        help) usage && return ;;
        deploy | plan | status | smoke | rollback | destroy) need_tools ;;
        *) fail_usage "there is no command '$command'" ;;
    esac
    case $command in
        deploy) if ((plan_only)); then plan; else deploy; fi ;;
        plan) plan ;;
        status) status ;;
        smoke) smoke "$(address)" ;;
        rollback) roll_back ;;
        destroy) destroy ;;
    esac
}

main "$@"
exit
