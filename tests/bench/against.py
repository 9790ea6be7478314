# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Another commit of this repository, beside the tip."""

import os
import shutil
import subprocess


def short_name(top, commit):
    """None if there is no such commit, or no repository."""
    done = subprocess.run(["git", "-C", top, "rev-parse", "--verify", "--quiet", "--short=10",
                           commit + "^{commit}"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() or None


def checkout(top, commit):
    """The files of the commit, below .build; what is built there is kept for the next time.
    Returns its short name and its folder."""
    name = short_name(top, commit)
    if not name:
        raise RuntimeError("git knows no commit %s in %s" % (commit, top))
    folder = os.path.join(top, ".build", "bench", name)
    if not os.path.exists(folder):
        unpacked = folder + ".new"
        shutil.rmtree(unpacked, ignore_errors=True)
        os.makedirs(unpacked)
        with subprocess.Popen(["git", "-C", top, "archive", name],
                              stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", unpacked], check=True, stdin=archive.stdout)
        if archive.returncode:
            raise RuntimeError("git archive %s failed" % name)
        os.rename(unpacked, folder)
    return name, folder
