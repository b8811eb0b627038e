#!/bin/sh
# Makes the secrets of docker-compose.yml, each in a file of its own; those that are there stay.
# Compose mounts them as they are, so they are readable by every user of a container that is given one,
# and the folder keeps everybody else out.
set -eu
command -v openssl > /dev/null || { echo 'openssl is needed, to make the key that signs the record' >&2; exit 1; }
umask 077
folder="$(dirname "$0")/secrets"
mkdir -p "$folder"
chmod 700 "$folder"

random() { head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n'; }

# make NAME: reads the content from standard input.
make() {
  if [ -e "$folder/$1" ]; then cat > /dev/null; return; fi
  cat > "$folder/$1.draft"
  chmod 444 "$folder/$1.draft"
  mv "$folder/$1.draft" "$folder/$1"
  echo "made $folder/$1"
}

for name in temporal-database-password ledger-owner-password ledger-control-password ledger-read-password ledger-write-password artifact-key; do
  random | make "$name"
done
openssl genpkey -algorithm ed25519 | make ledger-signing-key
printf 'postgres://holdfast:%s@ledger-postgresql:5432/holdfast' "$(cat "$folder/ledger-owner-password")" | make ledger-owner-url
for role in control read write; do
  printf 'postgres://demo_%s:%s@ledger-postgresql:5432/holdfast' "$role" "$(cat "$folder/ledger-$role-password")" | make "ledger-$role-url"
done
