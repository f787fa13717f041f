#!/usr/bin/env bash
# The gate in GitHub Actions: TIERWALL_… variables become options; annotations go to the log, the rest to files and to
# the job's summary. Ends with the gate's exit code.
set -euo pipefail

options=()
lines() { # name of an option, or nothing for paths; a list, one a line
  while IFS= read -r line; do
    if [ -n "$line" ]; then options+=(${1:+"$1"} "$line"); fi
  done <<<"$2"
}
lines --plan "${TIERWALL_PLAN:-}"
lines --environment "${TIERWALL_ENVIRONMENT:-}"
lines --account "${TIERWALL_ACCOUNT:-}"
lines --config "${TIERWALL_CONFIG:-}"
lines --fail-on "${TIERWALL_FAIL_ON:-}"
lines --unknown "${TIERWALL_UNKNOWN:-}"
lines --new-since "${TIERWALL_NEW_SINCE:-}"
lines --soft-fail "${TIERWALL_SOFT_FAIL:-}"
options+=(-o github)
if [ -n "${TIERWALL_SARIF:-}" ]; then options+=(-o "sarif:$TIERWALL_SARIF"); fi
if [ -n "${TIERWALL_MARKDOWN:-}" ]; then options+=(-o "markdown:$TIERWALL_MARKDOWN"); fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then options+=(-o "markdown:$GITHUB_STEP_SUMMARY"); fi
options+=(--) # a path that begins with a hyphen is a path
lines "" "${TIERWALL_PATHS:-}"
exec tierwall gate "${options[@]}"
