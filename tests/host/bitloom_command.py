# SPDX-License-Identifier: Apache-2.0
"""The command under test, which is the last argument of every test program."""
import subprocess
import sys

BITLOOM = sys.argv.pop()


def bitloom(*arguments, expect=0, **options):
    """Standard output of a call that succeeds, standard error of one that is expected to fail."""
    result = subprocess.run([BITLOOM, *map(str, arguments)], capture_output=True, text=True,
                            check=False, **options)
    assert result.returncode == expect, (arguments, result.returncode, result.stdout, result.stderr)
    return result.stdout if expect == 0 else result.stderr
