#!/usr/bin/env bash
# Makes the secrets that compose.yaml gives to the containers, each as a file: passwords, addresses that hold them, keys.
# Does only what is missing; safe to run again.
#
#     docker/make-secrets.sh [FOLDER]        FOLDER: ./secrets
#
# The archive's key pair is made by the command that STRONGROOM names, else by `strongroom`, else by the node's image.
set -euo pipefail

SERVICES="inbox intercept ingest verify finalize mapper outbox export login orchestrate"
folder=${1:-secrets}

# Compose mounts a secret with the mode and owner of its file, and the containers run as users of their own: the files
# are readable by all, and kept from others by the folder.
umask 077
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
echo '*' >"$folder/.gitignore"

# Gives a secret the content of standard input, unless it is there.
keep() {
    [ -e "$folder/$1" ] || replace "$1"
}

replace() {
    cat >"$folder/.new"
    chmod 444 "$folder/.new"
    mv -f "$folder/.new" "$folder/$1"
}

password() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# The queues that a service takes from, as a regular expression (shared/broker/topology.py).
consumes() {
    case $1 in
    intercept) echo '^(from_cega|dead)$' ;;
    ingest) echo '^ingest$' ;;
    verify) echo '^archived$' ;;
    finalize) echo '^accession$' ;;
    mapper) echo '^(mappings|cleanup)$' ;;
    export) echo '^exports$' ;;
    orchestrate) echo '^(inbox|verified)$' ;;
    *) echo '^$' ;;
    esac
}

user() {
    printf '{"name": "%s", "password": "%s", "tags": [%s]}' "$1" "$2" "$3"
}

permission() {
    printf '{"user": "%s", "vhost": "sda", "configure": "%s", "write": "%s", "read": "%s"}' "$@"
}

# Every service publishes what is owed, whoever owes it: to the exchange, or to a queue by the default exchange.
rabbitmq_users() {
    local users permissions service url
    users=$(user admin "$(<"$folder/rabbitmq_admin_password")" '"administrator"')
    permissions=$(permission admin '.*' '.*' '.*')
    for service in $SERVICES; do
        url=$(<"$folder/broker_url_$service")
        url=${url#*://*:}
        users+=$',\n    '$(user "strongroom_$service" "${url%%@*}" '')
        permissions+=$',\n    '$(permission "strongroom_$service" '^$' '^(sda|amq[.]default)$' "$(consumes "$service")")
    done
    printf '{\n  "users": [\n    %s\n  ],\n  "permissions": [\n    %s\n  ]\n}\n' "$users" "$permissions"
}

make_archive_key() {
    if [ -n "${STRONGROOM:-}" ] || command -v strongroom >/dev/null; then
        ${STRONGROOM:-strongroom} keys generate "$folder/archive"
    else
        docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$folder:/keys" \
            "${NODE_IMAGE:-strongroom:0.1.0}" keys generate /keys/archive
    fi
}

for service in $SERVICES; do
    keep "database_url_$service" <<<"postgresql+psycopg://strongroom_$service:$(password)@postgres:5432/strongroom"
    keep "broker_url_$service" <<<"amqp://strongroom_$service:$(password)@rabbitmq:5672/sda"
done
for role in owner staff; do
    keep "database_url_$role" <<<"postgresql+psycopg://strongroom_$role:$(password)@postgres:5432/strongroom"
done
for name in postgres_password rabbitmq_admin_password s3_secret_key credentials_secret; do
    keep "$name" <<<"$(password)"
done
keep s3_access_key <<<strongroom
# what others give to the node: empty until somebody puts it there
for name in cega_password oidc_client_secret; do
    keep "$name" <<<""
done
replace rabbitmq_users.json <<<"$(rabbitmq_users)"

[ -e "$folder/archive.sec" ] || make_archive_key >/dev/null
[ -e "$folder/ssh_host_ed25519_key" ] || ssh-keygen -q -t ed25519 -N '' -C strongroom -f "$folder/ssh_host_ed25519_key"
for name in token.pem login.pem; do
    keep "$name" <<<"$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)"
done
replace token.pub <<<"$(openssl pkey -in "$folder/token.pem" -pubout)"
chmod 444 "$folder"/*
echo "secrets: all there, in $folder; archive.pub is the key that submitters encrypt for"
