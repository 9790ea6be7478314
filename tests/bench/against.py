# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Another commit of this repository, beside the tip."""

import os
import shutil
import subprocess

from service import output


def checkout(top, commit):
    """The files of the commit, below .build; what is built there is kept for the next time.
    Returns its short name and its folder."""
    name = output("git", "-C", top, "rev-parse", "--verify", "--short=10", commit + "^{commit}")
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
