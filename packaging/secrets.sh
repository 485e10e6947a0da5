#!/bin/sh
# Makes the passwords of compose.yaml, each once: what is there stays.
#
#   sh secrets.sh
#
set -eu
cd "$(dirname "$0")"
# Compose mounts the files as they are, and the users in the containers have to read them.
# On the host nobody but the owner comes through the directory.
install -d -m 700 secrets
umask 022
password() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

if [ ! -e secrets/database ]; then
  made=$(password)
  printf %s "$made" > secrets/postgres-password
  printf %s "postgres://guildhall:$made@postgres/guildhall?sslmode=disable" > secrets/database
fi
if [ ! -e secrets/shared ]; then
  made=$(password)
  printf 'requirepass %s\n' "$made" > secrets/valkey.conf
  printf %s "redis://:$made@valkey:6379/0" > secrets/shared
fi
# Of the mail server; empty: it takes letters as they are.
[ -e secrets/smtp-password ] || : > secrets/smtp-password
