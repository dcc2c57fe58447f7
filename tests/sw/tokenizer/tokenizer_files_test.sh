#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes tokenizers and texts, and runs the test that reads them.
# Usage: tokenizer_files_test.sh TEST
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -B "$(dirname "$0")/tokenizer_files.py" "$scratch/tokenizers"
BITLOOM_TOKENIZERS=$scratch/tokenizers "$1"
