#!/usr/bin/env bash
# A task host in bash: brings the workflow "greet", and executes its tasks one after the other, by HTTP and JSON.
# Needs curl and jq. The scheduler is at CLOACA_URL, http://127.0.0.1:7233 if that is not set.
# What may be large, a context or a patch, goes by stdin: an argument has no room for more than 128 KiB (on Linux).
set -euo pipefail
instance=$$-$RANDOM$RANDOM
service=${CLOACA_URL:-http://127.0.0.1:7233}/cloaca.v1.HostService
workflow='{"name": "greet", "tasks": [{"id": "greet"}, {"id": "count", "dependencies": ["greet"]}]}'

# The tasks: from the context, key to JSON text, to the keys that they set, likewise. What goes to stderr is why they fail.
task_greet() { jq '{greeting: ("hello, " + (.name | fromjson) | tojson)}'; }
task_count() { jq '{letters: (.greeting | fromjson | length | tojson)}'; }

call() { curl -sS --fail-with-body -H 'Content-Type: application/json' "$service/$1" --data-binary @- <<<"$2"; }

hello() {
  jq -n --arg id "${CLOACA_HOST_ID:-curl}" --arg instance "$instance" --argjson workflow "$workflow" '{events: [{hello: {
    protocolMin: 1, protocolMax: 1, hostId: $id, instanceId: $instance, slots: 1, sdk: {name: "curl", language: "bash"},
    definitions: [$workflow], implementations: [{workflow: $workflow.name}]}}]}'
}

# The event that ends a lease. Earlier executions may have changed the context already (P5.3).
execute() {
  local task patch why
  task=task_$(jq -r .task <<<"$1") why=$(mktemp)
  if ! declare -F "$task" >/dev/null; then
    jq '{decline: {leaseId, reason: "no code for it"}}' <<<"$1"
  elif patch=$(jq '[.checkpoint.removed[]? | [.]] as $gone | .input + .checkpoint.set // {} | delpaths($gone)' <<<"$1" | "$task" 2>"$why" | jq . 2>>"$why"); then
    jq -s '{complete: {leaseId: .[0].leaseId, patch: {set: .[1]}}}' <<<"$1 $patch"
  else
    jq --rawfile message "$why" '{fail: {leaseId, failure: {code: "TASK_FAILED", message: $message}}}' <<<"$1"
  fi
  rm "$why"
}

request=$(hello) seq=0
while true; do
  if ! answer=$(call Exchange "$request"); then
    echo "refused, or not reached: $answer" >&2
    # Not reached: the same again, nothing is done twice (P4, P14). Refused: the session is over, and its leases with it.
    case $(jq -r '.code // ""' <<<"$answer") in "") ;; invalid_argument) exit 1 ;; *) request=$(hello) seq=0 ;; esac
    sleep 1 && continue
  fi
  welcome=$(jq -c '.events[]?.welcome | values' <<<"$answer")
  [[ -z $welcome ]] || session=$(jq '{sessionId, resumeToken}' <<<"$welcome") beat=$(jq .heartbeatIntervalMs/1000 <<<"$welcome")
  said=""
  while read -r lease; do
    # The session lives while the task computes (P5.1), and no longer than this process.
    while sleep "$beat" && kill -0 $$; do call KeepAlive "$session" || true; done &>/dev/null & alive=$!
    seq=$((seq + 1))
    said+=$(execute "$lease" | jq --arg seq $seq '. + {seq: $seq}')
    kill $alive
  done < <(jq -c '.events[]?.lease | values' <<<"$answer")
  request=$(jq -s --argjson session "$session" \
    '$session + {ackResponseId: (.[0].responseId // "0"), events: .[1:], waitMs: 30000}' <<<"$answer $said")
done
