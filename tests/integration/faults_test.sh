#!/usr/bin/env bash
# Debian has python3 and no python, which Bazel's own py_test would call.
exec env PYTHONPATH="$TEST_SRCDIR/trellis" PYTHONDONTWRITEBYTECODE=1 \
  python3 "$TEST_SRCDIR/trellis/tests/integration/faults_test.py" -v
