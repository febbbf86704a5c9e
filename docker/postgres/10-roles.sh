#!/usr/bin/env bash
# Makes the PostgreSQL roles of a node: one for each service, `strongroom_staff` for the command line, and
# `strongroom_owner`, who owns the database and runs the migrations. Names and passwords are those of the addresses in
# the secrets `database_url_*`. What each role may do is given by `strongroom migrate` (shared/database/roles.py).
#
# The image of PostgreSQL runs it once, on an empty data folder. Run it again after a password was changed.
# It wants POSTGRES_USER (superuser) and POSTGRES_DB; SECRETS is the folder of the secrets.
set -euo pipefail

# Two runs at once would stumble over each other, hence the lock.
sql() {
    cat <<'SQL'
\set ON_ERROR_STOP on
BEGIN;
SELECT pg_advisory_xact_lock(hashtext('strongroom roles')) \g /dev/null
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
    local file
    for file in "${SECRETS:-/run/secrets}"/database_url_*; do
        role "$(<"$file")"
    done
    cat <<'SQL'
ALTER DATABASE :"DBNAME" OWNER TO strongroom_owner;
GRANT CREATE, USAGE ON SCHEMA public TO strongroom_owner;
COMMIT;
SQL
}

role() {
    if ! [[ $1 =~ ^postgresql\+psycopg://(strongroom_[a-z]+):([A-Za-z0-9_-]+)@ ]]; then
        echo "roles: a database_url_* is not postgresql+psycopg://strongroom_NAME:PASSWORD@..." >&2
        return 1
    fi
    printf "\\set role '%s'\n\\set password '%s'\n" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    cat <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" PASSWORD :'password';
GRANT CONNECT ON DATABASE :"DBNAME" TO :"role";
SQL
}

# first all of the script, then psql: a secret that is missing changes nothing
script=$(sql)
psql --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<<"$script"
