"""The kind of CPython that runs the tests."""

from __future__ import annotations

import sys
import sysconfig

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
#: Built `--with-pydebug`: all references are counted.
DEBUG = hasattr(sys, "gettotalrefcount")
