# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by deploy.sh: what was asked for, as parameters of the templates.

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n=== %s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

fail_usage() {
    say "error: $*"
    say "see: deploy/deploy.sh --help"
    exit 64
}

command=""
name=stoa
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
plan_only=0
assume_yes=0
delete_data=0
delete_data_id=""
image_given=""
architecture=""
vpc="" public_subnets="" private_subnets=""
bedrock=""
url_given=""
# Parameters of the templates, by name.
declare -A service_settings=() base_settings=()

# Options that are a parameter of template.yml and nothing more.
declare -Ar plain_options=(
    [--volume]=FileSystemId [--edge]=Edge [--domain]=DomainName [--certificate]=CertificateArn
    [--edge-certificate]=EdgeCertificateArn [--allow]=AllowedCidr [--openai-url]=OpenAIBaseUrl
    [--openai-models]=OpenAIModels [--model-secret]=ModelSecretArn [--cpu]=TaskCpu [--memory]=TaskMemory
    [--alarm-email]=AlarmEmail
)

read_arguments() {
    local option value
    while (($#)); do
        option=$1
        case $option in
            --help | -h) command=help && shift && continue ;;
            --plan) plan_only=1 && shift && continue ;;
            --yes) assume_yes=1 && shift && continue ;;
            --delete-data) delete_data=1 && shift && continue ;;
            --delete-data=*) delete_data=1 delete_data_id=${option#*=} && shift && continue ;;
            --*=*) value=${option#*=} option=${option%%=*} && shift ;;
            --*)
                (($# >= 2)) || fail_usage "$option wants a value, or is not known"
                value=$2
                shift 2
                ;;
            *)
                [[ ! $command ]] || fail_usage "'$option': there is a command already, $command"
                command=$option
                shift
                continue
                ;;
        esac
        take_option "$option" "$value"
    done
    command=${command:-deploy}
    # The role's name is NAME-task-REGION and may have 64 characters.
    [[ $name =~ ^[a-z][a-z0-9-]{0,23}$ ]] ||
        fail_usage "--name takes a lower-case letter and then at most 23 letters, digits and hyphens, not '$name'"
    base=$name-base
}

take_option() {
    local option=$1 value=$2
    if [[ ${plain_options[$option]:-} ]]; then
        service_settings[${plain_options[$option]}]=$value
        return
    fi
    case $option in
        --name) name=$value ;;
        --region) region=$value ;;
        --url) url_given=${value%/} ;;
        --image)
            [[ $value =~ @sha256:[0-9a-f]{64}$ ]] ||
                fail_usage "--image wants a digest (URI@sha256:...), since a tag may become another image: '$value'"
            image_given=$value
            ;;
        --architecture)
            case $value in
                arm64) service_settings[Architecture]=ARM64 ;;
                amd64) service_settings[Architecture]=X86_64 ;;
                *) fail_usage "--architecture is arm64 or amd64, not '$value'" ;;
            esac
            architecture=$value
            ;;
        --vpc) vpc=$value ;;
        --public-subnets) public_subnets=$(two_of "$option" "$value") || exit ;;
        --private-subnets) private_subnets=$(two_of "$option" "$value") || exit ;;
        --network-cidr) base_settings[NetworkCidr]=$value ;;
        --egress) base_settings[Egress]=$value ;;
        --bedrock) bedrock=$value ;;
        --tasks)
            [[ $value =~ ^([0-9]+):([0-9]+)$ ]] || fail_usage "--tasks wants MIN:MAX, for example 2:10, not '$value'"
            ((BASH_REMATCH[1] >= 1 && BASH_REMATCH[1] <= BASH_REMATCH[2])) ||
                fail_usage "--tasks: '$value' goes from $((BASH_REMATCH[1])) to less"
            service_settings[TasksMin]=${BASH_REMATCH[1]} service_settings[TasksMax]=${BASH_REMATCH[2]}
            ;;
        --set)
            [[ $value =~ ^([A-Za-z0-9]+)=(.*)$ ]] || fail_usage "--set wants PARAMETER=VALUE, not '$value'"
            template_parameters "$home/deploy/template.yml" | grep -qx "${BASH_REMATCH[1]}" ||
                fail_usage "template.yml has no parameter ${BASH_REMATCH[1]}"
            service_settings[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
            ;;
        *) fail_usage "there is no option $option" ;;
    esac
}

# two_of OPTION A,B
two_of() {
    [[ $2 =~ ^subnet-[0-9a-z]+,subnet-[0-9a-z]+$ ]] || fail_usage "$1 wants two subnets in two zones: subnet-1…,subnet-2…"
    echo "$2"
}

# The names of a template's parameters.
template_parameters() { sed -n '/^Parameters:/,/^[A-Z]/s/^  \([A-Za-z0-9]*\):.*/\1/p' "$1"; }

need_tools() {
    local tool
    for tool in aws jq curl; do
        command -v "$tool" >/dev/null || die "$tool is missing; install it first (on Debian: apt-get install $tool${tool/#aws/cli})"
    done
    [[ $region ]] || region=$(aws configure get region 2>/dev/null) || true
    [[ $region ]] || die "no region is set; say --region, for example --region eu-central-1"
    export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER="" AWS_DEFAULT_OUTPUT=json
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    account=$(aws sts get-caller-identity --query Account --output text 2>"$scratch/why") ||
        die "AWS does not know you: $(tail -n 1 "$scratch/why"). Log in (aws sso login, AWS_PROFILE=...) and try again"
}

# A network is given whole or not at all.
need_complete_network() {
    [[ $vpc$public_subnets$private_subnets ]] || return 0
    [[ $vpc && $public_subnets && $private_subnets ]] ||
        fail_usage "a network of yours needs all of --vpc, --public-subnets and --private-subnets"
}

# What base.yml gets. A network that is yours stays yours, without being named again.
base_parameters() {
    parameters=()
    local makes=yes
    if [[ $vpc ]]; then
        makes=no
    elif stack_exists "$base"; then
        makes=$(parameter_of "$base" MakesNetwork)
    fi
    base_settings[MakesNetwork]=$makes
    collect_parameters "$base" "$home/deploy/base.yml" base_settings
}

# service_parameters IMAGE: what template.yml gets.
service_parameters() {
    parameters=()
    service_settings[ImageUri]=$1
    service_settings[RepositoryName]=$base
    if [[ $vpc ]]; then
        service_settings[VpcId]=$vpc
        set_subnets "$public_subnets" "$private_subnets"
    elif [[ $(parameter_of "$base" MakesNetwork) == yes ]]; then
        service_settings[VpcId]=$(output_of "$base" VpcId)
        set_subnets "$(output_of "$base" PublicSubnetIds)" "$(output_of "$base" PrivateSubnetIds)"
    fi
    local edge=${service_settings[Edge]:-}
    [[ $edge ]] || edge=$(parameter_of "$name" Edge)
    if [[ ${edge:-cloudfront} == cloudfront ]]; then service_settings[CloudFrontPrefixListId]=$(prefix_list) || exit; fi
    if [[ $bedrock ]]; then
        service_settings[BedrockModels]=$bedrock
        service_settings[BedrockModelArns]=$(model_arns "$bedrock")
    fi
    collect_parameters "$name" "$home/deploy/template.yml" service_settings
}

set_subnets() {
    service_settings[PublicSubnetA]=${1%,*} service_settings[PublicSubnetB]=${1#*,}
    service_settings[PrivateSubnetA]=${2%,*} service_settings[PrivateSubnetB]=${2#*,}
}

# What is named gets its value; what is not keeps the one it has; what is new gets its default.
collect_parameters() {
    local stack=$1 template=$2 parameter known=""
    local -n settings=$3
    ! stack_exists "$stack" || known=$(describe_stack "$stack" | jq -r '.Parameters[]?.ParameterKey')
    for parameter in $(template_parameters "$template"); do
        if [[ -v settings[$parameter] ]]; then
            parameters+=("$(jq -cn --arg k "$parameter" --arg v "${settings[$parameter]}" \
                '{ParameterKey: $k, ParameterValue: $v}')")
        elif grep -qx "$parameter" <<<"$known"; then
            parameters+=("{\"ParameterKey\": \"$parameter\", \"UsePreviousValue\": true}")
        fi
    done
}

# The region's list of the addresses that CloudFront comes from.
prefix_list() {
    local found
    found=$(aws ec2 describe-managed-prefix-lists --output text --query 'PrefixLists[0].PrefixListId' \
        --filters Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing) || exit 1
    [[ $found == pl-* ]] || die "$region has no list of CloudFront's addresses; use --edge none with a --certificate"
    echo "$found"
}

# model_arns ID,ID: what tasks may invoke. An inference profile is allowed together with the model it stands for, in any
# region it may send a request to.
model_arns() {
    local id arns=() partition
    partition=$(aws sts get-caller-identity --query Arn --output text | cut -d : -f 2)
    for id in ${1//,/ }; do
        case $id in
            arn:*) arns+=("$id") ;;
            us.* | us-gov.* | eu.* | apac.* | jp.* | au.* | ca.* | global.*)
                arns+=("arn:$partition:bedrock:$region:$account:inference-profile/$id")
                arns+=("arn:$partition:bedrock:*::foundation-model/${id#*.}")
                ;;
            *) arns+=("arn:$partition:bedrock:$region::foundation-model/$id") ;;
        esac
    done
    (IFS=, && echo "${arns[*]}")
}
