"""Built-in search spaces, one module each. A space is a module with `sample(trial, task)`.

`sample` asks the Optuna trial for values and returns an `Architecture` for the task. The result may
exceed the limits, and `sample` may raise `ArchitectureError` for layers that do not fit; the search
records and rejects both. Two functions are optional:

    smallest(task) -> Architecture     the cheapest candidate of the space; without it, `nas search`
                                       detects a hopeless budget from random draws
    start(task) -> list of parameters  candidates to try first, in this order: [{"net": "a"}, ...]
"""
