# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Processor time and memory of a process and of all processes below it, from /proc.

Processor time counts the work alone: a machine that is busy with other things, or a load
generator on the same processors, makes requests slower but not dearer.
"""

import glob
import os
import re

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """What stands behind the program's name in /proc/PID/stat, state and parent first; None
    if the process has ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def tree(root):
    """The process and all processes below it."""
    children = {}
    for path in glob.glob("/proc/[0-9]*"):
        pid = int(os.path.basename(path))
        stat = _stat(pid)
        if stat:
            children.setdefault(int(stat[1]), []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def seconds(root):
    """Processor time, user and system, of the tree so far. The time of a child that ended is
    its parent's."""
    total = 0
    for pid in tree(root) if root else []:
        stat = _stat(pid)
        if stat:
            total += sum(int(ticks) for ticks in stat[11:15])
    return total / TICKS


def _run_time(path):
    """Nanoseconds that a thread has run; 0 if it has ended."""
    try:
        with open(path, encoding="utf-8") as file:
            return int(file.read().split()[0])
    except OSError:
        return 0


def precise_seconds(root):
    """The same of the threads that are there now, in nanoseconds rather than ticks: for short
    runs in which no thread ends."""
    return sum(_run_time(path) for pid in (tree(root) if root else [])
               for path in glob.glob("/proc/%d/task/*/schedstat" % pid)) / 1e9


def _sum(pid, name, pattern):
    try:
        with open("/proc/%d/%s" % (pid, name), encoding="utf-8", errors="replace") as file:
            return sum(int(number) for number in re.findall(pattern, file.read(), re.M))
    except OSError:
        return 0


def memory(root, mapped=None):
    """Kilobytes of the tree, a shared page counted once (PSS), and those of them that are
    mappings of the file, if one is named."""
    total = in_file = 0
    for pid in tree(root) if root else []:
        total += _sum(pid, "smaps_rollup", r"^Pss:\s+(\d+)")
        if mapped:
            in_file += _sum(pid, "smaps", r"^[0-9a-f]+-[0-9a-f]+ .* %s\n(?:\w+:.*\n)*?Pss:\s+(\d+)"
                            % re.escape(mapped))
    return total, in_file
