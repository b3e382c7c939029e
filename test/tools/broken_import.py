"""A tool file that cannot be imported."""

import a_module_that_is_not_there

from snakepit import tool


@tool
def never() -> None:
    a_module_that_is_not_there.run()
