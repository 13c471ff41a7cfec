#!/usr/bin/env bash
# The Ansible role over two hosts, which are two directories of this machine (connection: local), each with its own copy of
# the sample file and its own state directory. Not part of this: SSH, an engine, the live check.
# BINARY: the program; default: the debug build.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
  printf 'tests/ansible/run.sh: %s\n' "$*" >&2
  [ -z "${output:-}" ] || printf '%s\n' "$output" >&2
  exit 1
}
command -v ansible-playbook >/dev/null || fail "ansible-playbook is missing: apt-get install ansible-core"
if [ -z "${BINARY:-}" ]; then
  cargo build
  BINARY=$PWD/target/debug/kerio-tls
fi
[ -x "$BINARY" ] || fail "$BINARY cannot be run"

roots=$(mktemp -d)
trap 'rm -rf "$roots"' EXIT
for host in one two; do
  mkdir -p "$roots/$host/store/logs"
  sed "s#@STORE@#$roots/$host/store#" assets/demo/mailserver.cfg >"$roots/$host/mailserver.cfg"
  printf 'outbound,smtp,198.51.100.7,tls1.0,2026-11-01,fax gateway\n' >"$roots/$host/peers.csv"
  : >"$roots/$host/kerio-tls.toml"
done

export ANSIBLE_ROLES_PATH=$PWD/assets/ansible/roles ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=0
export ANSIBLE_RETRY_FILES_ENABLED=0 ANSIBLE_HOME=$roots/ansible ANSIBLE_LOCAL_TEMP=$roots/tmp ANSIBLE_REMOTE_TEMP=$roots/tmp
# Ansible refuses to start without a UTF-8 locale.
export LC_ALL=C.UTF-8
play() {
  status=0
  output=$(ansible-playbook -i tests/ansible/hosts.ini tests/ansible/site.yml \
    -e "binary=$BINARY" -e "roots=$roots" "$@" 2>&1) || status=$?
}
fingerprint() {
  (cd "$roots" && find one two -type f -exec sha256sum {} + | sort -k 2)
}
# recap WORDS: both hosts' lines of the recap have them.
recap() {
  for host in one two; do
    grep -Eq "^$host +:.* $1 " <<<"$output" || fail "$host does not end with $1"
  done
}

before=$(fingerprint)
# Check mode shows the change also where the real run refuses it, and says that it would be refused.
play --check --diff
[ "$status" -eq 0 ] || fail "--check failed"
recap changed=1
tr -s '[:space:]' ' ' <<<"$output" | grep -q 'this would not be saved as it is: 1 known peer would be cut off' ||
  fail "--check does not warn that the real run would be refused"
[ "$(fingerprint)" = "$before" ] || fail "--check changed something"

play --check --diff -e accept=true
[ "$status" -eq 0 ] || fail "--check failed"
recap changed=1
grep -q '^-Security/ServerTlsProtocols = TLSv1,TLSv1.1,TLSv1.2$' <<<"$output" || fail "the diff does not show what is"
grep -q '^+Security/ServerTlsProtocols = TLSv1.2 (name: assumed)$' <<<"$output" ||
  fail "the diff does not show what would be, and how sure its name is"
[ "$(fingerprint)" = "$before" ] || fail "--check changed something"

play
[ "$status" -ne 0 ] || fail "a cut-off peer did not stop the play"
recap failed=1
[ "$(fingerprint)" = "$before" ] || fail "a refused play changed something"

play -e accept=true
[ "$status" -eq 0 ] || fail "the first run failed"
recap changed=1
for host in one two; do
  grep -q '<variable name="ServerTlsProtocols">TLSv1.2</variable>' "$roots/$host/mailserver.cfg" || fail "$host was not changed"
done

after=$(fingerprint)
play -e accept=true
[ "$status" -eq 0 ] || fail "the second run failed"
recap changed=0
[ "$(fingerprint)" = "$after" ] || fail "the second run wrote something"

# A role that leaves both directions as they are sets nothing.
play -e accept=true -e inbound= -e outbound=
[ "$status" -eq 0 ] || fail "a role without a direction failed"
# Setting, and the two steps of learned names.
recap skipped=3

# Peers of which nothing is known stop no play: they are a warning.
for host in one two; do
  printf 'outbound,smtp,198.51.100.9,-,2026-11-01,nothing known\n' >"$roots/$host/peers.csv"
done
play -e outbound=tls1.1
[ "$status" -eq 0 ] || fail "an unknown peer stopped the play"
recap changed=1
tr -s '[:space:]' ' ' <<<"$output" | grep -q 'outbound: 1 peer never measured' || fail "an unknown peer is no warning"

play -e accept=true -e minimum=tls1.3
[ "$status" -ne 0 ] || fail "the check does not see that the minimum is short"
recap failed=1

printf 'ansible: two hosts; check changes nothing, refusal changes nothing, then changed=1, then changed=0\n'
