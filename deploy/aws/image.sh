# shellcheck shell=bash disable=SC2154
# Sourced by deploy.sh: the image, from this clone to the registry.

# The tag says what the image was made of: the commit, and what was changed since.
image_tag() {
    local commit changes=""
    commit=$(git -C "$home" rev-parse --short=12 HEAD 2>/dev/null) || die "$home is no git clone; give an --image"
    if [[ $(git -C "$home" status --porcelain -- Package.swift Sources migrations deploy/Dockerfile) ]]; then
        changes=-$({ git -C "$home" diff HEAD -- Package.swift Sources migrations deploy/Dockerfile &&
            git -C "$home" status --porcelain -- Sources migrations; } | sha256sum | cut -c 1-8)
    fi
    echo "$commit$changes-$(wanted_architecture)"
}

wanted_architecture() {
    if [[ $architecture ]]; then
        echo "$architecture"
    elif [[ $(parameter_of "$name" Architecture) == X86_64 ]]; then
        echo amd64
    else
        echo arm64
    fi
}

# The image of this clone, by digest, if the registry has it already.
known_image() {
    local digest
    digest=$(aws ecr describe-images --repository-name "$base" --image-ids "imageTag=$(image_tag)" \
        --query 'imageDetails[0].imageDigest' --output text 2>/dev/null) || return 0
    [[ $digest != sha256:* ]] || echo "$(output_of "$base" RepositoryUri)@$digest"
}

# Builds and pushes what is not there yet; prints the image by digest.
pushed_image() {
    local repository tag image
    image=$(known_image)
    if [[ $image ]]; then
        say "the registry has this clone's image already"
        echo "$image"
        return
    fi
    command -v docker >/dev/null ||
        die "docker is missing; install it, or build elsewhere and give the image: --image URI@sha256:..."
    docker info >/dev/null 2>&1 || die "docker does not run here; start it, or give an --image URI@sha256:..."
    repository=$(output_of "$base" RepositoryUri)
    tag=$(image_tag)
    say "building $tag (compiling takes 5 to 15 minutes, much longer for another processor than this machine's)"
    docker build --platform "linux/$(wanted_architecture)" --file "$home/deploy/Dockerfile" --tag "$repository:$tag" \
        --label "org.opencontainers.image.revision=$(git -C "$home" rev-parse HEAD)" "$home" >&2 ||
        die "the image could not be built (above). Nothing was changed but the registry and network"
    # The password through a pipe: arguments are seen by everybody on this machine.
    aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}" >/dev/null ||
        die "the registry refuses the log-in (above)"
    docker push "$repository:$tag" >&2 || die "the image could not be pushed (above); run this again to try again"
    image=$(known_image)
    [[ $image ]] || die "the registry does not know the image that was just pushed: $repository:$tag"
    echo "$image"
}
