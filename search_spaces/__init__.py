"""Built-in search spaces, one module each. A space is a module with `sample(trial, task)`.

`sample` asks the Optuna trial for values and returns an `Architecture` for the task. It may return
one over the budget, or raise `ArchitectureError` for one that cannot exist: the gate records both.
Two more names are optional:

    smallest(task) -> Architecture     the cheapest candidate there is; without it, `nas search`
                                       looks at random draws to tell a hopeless budget
    start(task) -> list of parameters  candidates to try first, in this order: [{"net": "a"}, ...]
"""
