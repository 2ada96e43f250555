"""Code in a process of its own, and the memory that it takes."""

import re
import subprocess
import sys

# of that program alone: getrusage would also count the process that it was started from
_PEAK = """
print(open("/proc/self/status").read())
"""


def run_alone(code, *args):
    """Run some code in a new process; return what it prints, and its most memory in MB."""
    command = [sys.executable, "-c", code + _PEAK, *map(str, args)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return printed, int(re.findall(r"VmHWM:\s+(\d+)", printed)[-1]) / 1024
