"""Files that an export gets unchanged. They import torch and other files of the export.

`nas.export.python` copies them, together with the modules listed there, and writes settings.py.
"""
